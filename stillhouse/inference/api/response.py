"""Reads the body of an endpoint's response, and trusts nothing in it.

Status 200 is no completion yet: gateways send pages, servers under load send empty or half bodies, and
whatever is stored as a completion is trained on.
"""

import json
import re
from typing import Any

from pydantic import BaseModel, ValidationError

from stillhouse.completions.completion import Reply
from stillhouse.inference.api.request import ANSWER, ResponseForm

# what servers call the two ends of a completion
_FINISH_REASONS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence"), "stop"),
    **dict.fromkeys(("length", "max_tokens"), "length"),
}
_TOKEN_ID = re.compile(r"token_id:(\d+)")


class MalformedResponse(Exception):
    """A body without a usable completion; `kind` is body or empty."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


# fields beside these are ignored: servers add their own
class _Token(BaseModel):
    token: str
    logprob: float
    top_logprobs: list["_Token"] = []


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chat(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None


def read_reply(content: bytes, form: ResponseForm) -> Reply:
    """Return the completion in the body of a response.

    Raises:
        MalformedResponse: it is no JSON or no chat completion, has no choice or no known finish_reason, or has no text
            though its finish_reason is stop.
    """
    try:
        chat = _Chat.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(key) for key in first["loc"])
        raise MalformedResponse("body", f"no chat completion ({path + ': ' if path else ''}{first['msg']})") from None
    if not chat.choices:
        raise MalformedResponse("body", "a chat completion without choices")
    choice = chat.choices[0]
    text = choice.message.content or choice.message.refusal or ""
    finish_reason = _finish_reason(choice.finish_reason)
    if finish_reason == "stop" and not text.strip():
        raise MalformedResponse("empty", "an answer without text")
    usage, tokens = chat.usage or _Usage(), _tokens(choice)
    ids, logprobs = _by_id(tokens)
    return Reply(
        text=_unwrapped(text) if form.is_wrapped else text,
        finish_reason=finish_reason,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens or len(tokens),
        token_ids=ids,
        logprobs=logprobs,
        cumulative_logprob=sum(token.logprob for token in tokens) if tokens else None,
    )


def _finish_reason(given: str | None) -> str:
    if given == "content_filter":
        return "error:content_filter"
    if given not in _FINISH_REASONS:
        # a completion that was broken off, or calls a tool nobody offered
        raise MalformedResponse("body", f"an answer with finish_reason {given!r}")
    return _FINISH_REASONS[given]


def _unwrapped(text: str) -> str:
    """Return the choice in the object; without one the whole text, for the skill's parser to judge."""
    try:
        wrapped: Any = json.loads(text)
    except ValueError:
        return text
    answer = wrapped.get(ANSWER) if isinstance(wrapped, dict) else None
    return answer if isinstance(answer, str) else text


def _tokens(choice: _Choice) -> list[_Token]:
    return (choice.logprobs.content if choice.logprobs else None) or []


def _by_id(tokens: list[_Token]) -> tuple[tuple[int, ...], tuple[dict[int, float], ...]]:
    """Return the tokens' ids and log-probabilities by id; both empty if the endpoint names tokens by their text."""
    ids = [_token_id(token) for token in tokens]
    if None in ids:
        return (), ()
    steps = []
    for token in tokens:
        step = {_token_id(one): one.logprob for one in [*token.top_logprobs, token]}
        steps.append({id_: logprob for id_, logprob in step.items() if id_ is not None})
    return tuple(id_ for id_ in ids if id_ is not None), tuple(steps)


def _token_id(token: _Token) -> int | None:
    match = _TOKEN_ID.fullmatch(token.token)
    return int(match[1]) if match else None
