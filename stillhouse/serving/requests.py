"""The bodies of requests, and the turns that they ask about, read by the rules that rows of data are read by."""

from collections import Counter
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from stillhouse.config import StrictModel
from stillhouse.data.messages import read_messages
from stillhouse.data.record import InvalidRecord
from stillhouse.data.row import Messages
from stillhouse.data.row_checks import check_prompt
from stillhouse.data.tool_calls import with_calls
from stillhouse.serving.errors import ApiError, bad_request, too_long
from stillhouse.serving.record import ServingRecord

MAX_BODY_BYTES = 4 * 2**20

Body = TypeVar("Body", bound=BaseModel)


class StreamOptions(StrictModel):
    """What a stream holds besides the answer."""

    include_usage: bool = False


class ChatBody(StrictModel):
    """A request for a chat completion, as far as a student can answer it; other fields are refused by name."""

    model: str
    messages: list[Any]
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0.0, le=5.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=0)
    n: Literal[1] | None = None
    # what clients send of themselves; it changes no answer
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None


class PredictBody(StrictModel):
    """A request for a label: a text, the two texts of an inference, or turns."""

    text: str | None = None
    messages: list[Any] | None = None
    premise: str | None = None
    hypothesis: str | None = None
    model: str | None = None


def read_body(kind: type[Body], content: bytes) -> Body:
    """Return the body of a request.

    Raises:
        ApiError: it is no JSON, or of another form; the message names the first field that is wrong.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise _explained(error) from None


def _explained(error: ValidationError) -> ApiError:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return bad_request(f"The body is no JSON: {first['msg']}.", code="invalid_json")
    field = ".".join(str(part) for part in first["loc"]) or None
    if first["type"] == "extra_forbidden":
        return bad_request(
            f"{field} is no field that this server answers. Leave it out.", code="unsupported_parameter", param=field
        )
    return bad_request(f"{field or 'The body'}: {first['msg']}.", code="invalid_value", param=field)


def read_turns(turns: list[Any], record: ServingRecord) -> Messages:
    """Return a prompt's turns as a row holds them.

    Raises:
        ApiError: a turn is none, they are no prompt, or it is longer than any that the student was measured on.
    """
    try:
        messages = read_messages(turns, Counter())
    except InvalidRecord as error:
        raise bad_request(f"messages: {error.detail}.", code=error.reason, param="messages") from None
    return check_turns(messages, record, param="messages")


def read_question(body: PredictBody, record: ServingRecord) -> Messages:
    """Return the turns of a request for a label.

    Raises:
        ApiError: it asks in none of the forms, in several, or too much.
    """
    pair = [body.premise, body.hypothesis]
    given = [body.text is not None, body.messages is not None, any(part is not None for part in pair)]
    if sum(given) != 1 or (given[2] and None in pair):
        raise bad_request("Give one of text, messages, and premise with hypothesis.", code="missing_prompt")
    if body.messages is not None:
        return read_turns(body.messages, record)
    # as stillhouse/data/columns.py joins them
    text = body.text if body.text is not None else f"Premise: {body.premise}\nHypothesis: {body.hypothesis}"
    return check_turns([{"role": "user", "content": text}], record, param="text" if given[0] else "premise")


def check_turns(messages: Messages, record: ServingRecord, *, param: str) -> Messages:
    """Return `messages` if they are a prompt by the rules of the data that the student learnt from.

    Raises:
        ApiError: they are not.
    """
    is_dialogue = record.skill.is_dialogue
    turns = [(turn["role"], with_calls(turn)) for turn in messages]
    drop = check_prompt(turns, record.max_prompt_chars, is_dialogue=is_dialogue)
    if drop is None and turns[-1][0] != "assistant":
        return messages
    if drop is None:
        raise bad_request(f"{param}: the last turn is the assistant's, and there is nothing to answer.", param=param)
    if drop.reason == "prompt_too_long":
        raise too_long(drop.detail, param=param)
    raise bad_request(f"{param}: {drop.detail}.", code=drop.reason, param=param)
