"""Reads the body of an endpoint's answer, and trusts nothing in it.

Separate because a 200 is no answer yet: gateways send pages, servers under load send empty or half bodies, and whatever
was stored once as an answer would be trained on.
"""

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from stillhouse.inference.api.request import ANSWER, ResponseForm

# what servers call the two ends of an answer
_ENDS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence"), "stop"),
    **dict.fromkeys(("length", "max_tokens"), "length"),
}
_TOKEN_ID = re.compile(r"token_id:(\d+)")


class MalformedResponse(Exception):
    """A body that holds no usable answer; `kind` is body or empty."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Reply(BaseModel):
    """One answer as the endpoint gave it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    finish_reason: str  # stop | length | error:content_filter
    prompt_tokens: int
    completion_tokens: int
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[dict[int, float], ...] = ()
    cumulative_logprob: float | None = None


class _Received(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Token(_Received):
    token: str
    logprob: float
    top_logprobs: list["_Token"] = []


class _Logprobs(_Received):
    content: list[_Token] | None = None


class _Message(_Received):
    content: str | None = None
    refusal: str | None = None


class _Choice(_Received):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(_Received):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chat(_Received):
    choices: list[_Choice]
    usage: _Usage | None = None


def read_reply(content: bytes, form: ResponseForm) -> Reply:
    """Return the answer in the body of a chat completion.

    Raises:
        WrongBody: it is no JSON, no chat completion, has no choice, no known end, or no text though the model says that
            it was done.
    """
    try:
        chat = _Chat.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedResponse("body", f"no chat completion ({place + ': ' if place else ''}{first['msg']})") from None
    if not chat.choices:
        raise MalformedResponse("body", "a chat completion without choices")
    choice = chat.choices[0]
    text = choice.message.content or choice.message.refusal or ""
    end = _end(choice.finish_reason)
    if end == "stop" and not text.strip():
        raise MalformedResponse("empty", "an answer without text")
    usage, tokens = chat.usage or _Usage(), _tokens(choice)
    ids, logprobs = _by_id(tokens)
    return Reply(
        text=_unwrapped(text) if form.is_wrapped else text,
        finish_reason=end,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens or len(tokens),
        token_ids=ids,
        logprobs=logprobs,
        cumulative_logprob=sum(token.logprob for token in tokens) if tokens else None,
    )


def _end(said: str | None) -> str:
    if said == "content_filter":
        return "error:content_filter"
    if said not in _ENDS:
        # an answer that was broken off, or calls a tool nobody offered
        raise MalformedResponse("body", f"an answer with finish_reason {said!r}")
    return _ENDS[said]


def _unwrapped(text: str) -> str:
    """Return the choice in the object; the text as it is where there is none, for the skill's parser to judge."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return text
    answer = found.get(ANSWER) if isinstance(found, dict) else None
    return answer if isinstance(answer, str) else text


def _tokens(choice: _Choice) -> list[_Token]:
    return (choice.logprobs.content if choice.logprobs else None) or []


def _by_id(tokens: list[_Token]) -> tuple[tuple[int, ...], tuple[dict[int, float], ...]]:
    """Return the tokens' ids and log-probabilities by id; both empty where the endpoint names tokens by their text."""
    ids = [_token_id(token) for token in tokens]
    if any(id_ is None for id_ in ids):
        return (), ()
    steps = []
    for token in tokens:
        step = {_token_id(one): one.logprob for one in [*token.top_logprobs, token]}
        steps.append({id_: logprob for id_, logprob in step.items() if id_ is not None})
    return tuple(id_ for id_ in ids if id_ is not None), tuple(steps)


def _token_id(token: _Token) -> int | None:
    found = _TOKEN_ID.fullmatch(token.token)
    return int(found[1]) if found else None
