"""Reads the body of an endpoint's response, and trusts nothing in it.

Status 200 is no completion yet: gateways send pages and errors, servers under load send empty or half bodies, and
whatever is stored as a completion is trained on. But a good answer is paid for: a field that is not needed, in whatever
form it comes, never costs it.
"""

import json
from typing import Any, NamedTuple

from stillhouse.completions.completion import Reply
from stillhouse.data.tool_calls import as_function, calls_as_text
from stillhouse.encodable import encodable
from stillhouse.inference.api.finish_reasons import read_finish_reason
from stillhouse.inference.api.reply_tokens import by_id, read_tokens, spelling
from stillhouse.inference.api.request import ANSWER, ResponseForm
from stillhouse.inference.api.server_error import ServerError, read_error
from stillhouse.reasoning import split_reasoning

# what the store can hold
_MAX_COUNT = 2**31 - 1


class TokenCounts(NamedTuple):
    """Tokens that the server counted; 0 for what it does not tell."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0  # of the prompt's


class MalformedResponse(Exception):
    """A body without a usable completion; `kind` is body, empty or server. `counts` is what it costs all the same."""

    def __init__(
        self, kind: str, message: str, counts: TokenCounts | None = None, said: ServerError | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.counts = counts or TokenCounts()
        self.said = said


_CALLED = (
    "tool_calls",
    "tool_call",
    "tool_use",
    "function_call",
    "stop",
)  # how servers end an answer that calls a tool


def read_reply(content: bytes, form: ResponseForm) -> Reply:
    """Return the completion in the body of a response.

    Raises:
        MalformedResponse: it is no JSON or no chat completion, names an error (`said`), has no known finish_reason, or
            has no text though its finish_reason is stop.
    """
    chat = _json_in(content)
    counts = _counts(chat.get("usage"))
    choice = _first_choice(chat, counts)
    calls = _calls(choice.get("message"))
    # a call is an answer; the end without one is none
    is_call = calls and choice.get("finish_reason") in _CALLED
    finish_reason = "stop" if is_call else read_finish_reason(choice.get("finish_reason"))
    if finish_reason == "error:server":
        said = read_error({name: part.get("error") for name, part in (("error", choice), ("detail", chat))})
        raise MalformedResponse("server", f"an answer that ended with {choice['finish_reason']!r}", counts, said)
    if finish_reason is None:
        # a completion that was broken off, or calls a tool nobody offered
        message = f"an answer with finish_reason {choice.get('finish_reason')!r}"
        raise MalformedResponse("body", message, counts)
    text = _text(choice.get("message") or {}, counts)
    text = calls_as_text(text, calls) if calls else text
    if finish_reason == "stop" and not text.strip():
        raise MalformedResponse("empty", "an answer without text", counts)
    reasoning = _reasoning(choice.get("message"))
    if form.is_wrapped:
        # the object stands behind reasoning that the server left in the text
        text, reasoning = split_reasoning(text, reasoning)
        text = _unwrapped(text)
    tokens = read_tokens(choice.get("logprobs"))
    # how sure the model is of an answer is no matter of the JSON, the reasoning or the stop text around it
    scored = spelling(tokens, split_reasoning(text, reasoning).answer)
    ids, logprobs = by_id(scored)
    return Reply(
        text=text,
        reasoning=reasoning,
        finish_reason=finish_reason,
        prompt_tokens=counts.prompt,
        completion_tokens=counts.completion or len(tokens),
        cached_tokens=counts.cached,
        token_ids=ids,
        logprobs=logprobs,
        cumulative_logprob=sum(token.logprob for token in scored) if scored else None,
    )


def content_text(content: Any, kinds: tuple[str, ...] = ("text", "output_text")) -> str | None:
    """Return the text of a message's content, of its parts of these kinds if it comes in parts; None if it has neither.

    Reasoning comes as parts of the kind `thinking`.
    """
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if isinstance(content, list) else [content]
    if not all(isinstance(part, str | dict) for part in parts):
        return None
    return "".join(_part_text(part, kinds) for part in parts)


def _part_text(part: str | dict[str, Any], kinds: tuple[str, ...]) -> str:
    if isinstance(part, str):
        return part if "text" in kinds else ""
    kind = part.get("type", "text")
    inner = part.get("text" if kind == "output_text" else kind) if kind in kinds else None
    return inner if isinstance(inner, str) else content_text(inner) or ""


def _json_in(content: bytes) -> dict[str, Any]:
    """Return the JSON object; byte order marks, NaN and half surrogates are no reason to throw it away."""
    try:
        chat = json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        what = "an event stream, which was not asked for" if content.lstrip().startswith(b"data:") else str(error)
        raise MalformedResponse("body", f"no chat completion ({what})") from None
    if isinstance(chat, dict):
        return chat
    raise MalformedResponse("body", f"no chat completion (a JSON {type(chat).__name__})", said=read_error(chat))


def _first_choice(chat: dict[str, Any], counts: TokenCounts) -> dict[str, Any]:
    choices = chat.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    # one that was filtered may have no message
    if isinstance(choice, dict) and (isinstance(choice.get("message"), dict) or choice.get("finish_reason")):
        return choice
    found = "no choices" if choice is None else "a choice without message"
    raise MalformedResponse("body", f"no chat completion ({found})", counts, read_error(chat))


def _text(message: Any, counts: TokenCounts) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    text = content_text(content)
    if text is None:
        raise MalformedResponse("body", f"an answer whose content is {type(content).__name__}", counts)
    refusal = message.get("refusal") if isinstance(message, dict) else None
    text = text or content_text(content, ("refusal",)) or (refusal if isinstance(refusal, str) else "")
    # JSON can hold half a character, which no file can
    return encodable(text)


def _calls(message: Any) -> list[dict[str, Any]]:
    """Return the calls of tools in a message; what is no call is left out."""
    called = message.get("tool_calls") if isinstance(message, dict) else None
    functions = [as_function(call) for call in called] if isinstance(called, list) else []
    return [{"function": function} for function in functions if function is not None]


def _reasoning(message: Any) -> str:
    """Return what the model thought before its answer; servers call it by two names, or send it as parts."""
    given = message if isinstance(message, dict) else {}
    content = given.get("content")
    parts = content_text(content, ("thinking",)) if isinstance(content, list) else ""
    fields = (given.get("reasoning_content"), given.get("reasoning"), parts)
    found = next((text for text in fields if isinstance(text, str) and text.strip()), "")
    return encodable(found)


def _counts(usage: Any) -> TokenCounts:
    """Return the tokens of `usage`, in OpenAI's words or in those of others."""
    given = usage if isinstance(usage, dict) else {}
    prompt = _count(given.get("prompt_tokens") or given.get("input_tokens"))
    cached = _cached(given)
    if "cache_read_input_tokens" in given and not given.get("prompt_tokens"):
        # Anthropic's own input_tokens are those after what its cache held, or was given now
        prompt += cached + _count(given.get("cache_creation_input_tokens"))
    completion = _count(given.get("completion_tokens") or given.get("output_tokens"))
    total = _count(given.get("total_tokens"))
    if total > completion and not prompt:
        prompt = total - completion
    return TokenCounts(prompt, completion, min(cached, prompt))


def _cached(usage: dict[str, Any]) -> int:
    """Return the prompt's tokens that came from a cache, as OpenAI, DeepSeek, Moonshot or Anthropic tell it."""
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    inner = details.get("cached_tokens") if isinstance(details, dict) else None
    outer = (usage.get(name) for name in ("prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"))
    return next((found for found in map(_count, (inner, *outer)) if found), 0)


def _count(given: Any) -> int:
    try:
        return min(max(0, round(float(given))), _MAX_COUNT)
    except (TypeError, ValueError, OverflowError):
        return 0


def _unwrapped(text: str) -> str:
    """Return the choice in the object; without one the whole text, for the skill's parser to judge."""
    try:
        wrapped: Any = json.loads(text)
    except ValueError:
        return text
    answer = wrapped.get(ANSWER) if isinstance(wrapped, dict) else None
    return answer if isinstance(answer, str) else text
