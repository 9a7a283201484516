"""Reads a conversation in the forms that people have it: OpenAI's chat and fine-tuning format, and ShareGPT's."""

from collections import Counter
from typing import Any

import orjson

from stillhouse.data.content_parts import Content, read_content
from stillhouse.data.record import InvalidRecord
from stillhouse.data.recorded_calls import CallIds, read_calls
from stillhouse.data.row import Messages
from stillhouse.data.tool_calls import find_tagged_calls
from stillhouse.reasoning import split_reasoning

# ShareGPT's dumps name the product that answered
ASSISTANTS = (
    *("assistant", "gpt", "chatgpt", "bing", "bard", "claude", "model", "bot", "chatbot", "ai"),
    *("function_call", "tool_call"),
)
# what others call a role
_ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(ASSISTANTS, "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "tool_response", "function_response"), "tool"),
}
_CALLING = ("function_call", "tool_call")  # ShareGPT's roles of a turn that is calls, as JSON in its text
_REASONING = ("reasoning_content", "reasoning", "thinking")
_CALLS = ("tool_calls", "function_call", "tool_call_id", "name")
_KNOWN = frozenset(("role", "from", "content", "value", "weight", "refusal", *_CALLS, *_REASONING))
_RESPONSE = ("<tool_response>", "</tool_response>")


def read_messages(turns: Any, ignored: Counter[str]) -> Messages:
    """Return recorded turns as a row holds them; keys of turns that nothing here reads are counted in `ignored`.

    Raises:
        InvalidRecord: a turn is no object with a role and a text, calls a tool in an unknown form, or holds what no
            model of texts sees, such as an image.
    """
    if isinstance(turns, str):  # a CSV cell
        try:
            turns = orjson.loads(turns)
        except orjson.JSONDecodeError as error:
            raise InvalidRecord("bad_messages", f"the turns are text but no JSON list: {error}") from error
    turns = transposed(turns) if isinstance(turns, dict) else turns
    if not isinstance(turns, list) or not turns:
        raise InvalidRecord("bad_messages", f"the turns must be a list of at least one turn, not {shown(turns)}")
    ids = CallIds()
    return [_turn(turn, position, ids, ignored) for position, turn in enumerate(turns)]


def transposed(columns: dict[str, Any]) -> Any:
    """Return turns that are kept as one list a key, as Hugging Face's datasets store a sequence of objects."""
    lists = list(columns.values())
    if not lists or not all(isinstance(values, list) and len(values) == len(lists[0]) for values in lists):
        return columns
    return [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]


def _turn(turn: Any, at: int, ids: CallIds, ignored: Counter[str]) -> dict[str, Any]:
    if not isinstance(turn, dict):
        raise InvalidRecord("bad_messages", f"turn {at} must be an object with role and content, not {shown(turn)}")
    given = {key: value for key, value in turn.items() if value is not None}
    if given.keys() - _KNOWN:
        ignored.update(given.keys() - _KNOWN)
    role = _role(given, at)
    text, reasoning, calls = _said(given, at)
    found: dict[str, Any] = {"role": role, "content": text}
    if role == "assistant":
        _add_answer(found, calls, [*reasoning, *_reasoning(given, at)], at, ids)
        if _weight(given, at) == 0:
            found["weight"] = "0"
    elif role == "tool":
        found["content"] = _response(text)
        if answered := _name(given, "tool_call_id", at) or ids.answered(given.get("name")):
            found["tool_call_id"] = answered
    if name := _name(given, "name", at):
        found["name"] = name
    return found


def _role(given: dict[str, Any], at: int) -> str:
    named = given.get("role", given.get("from"))
    role = _ROLES.get(named.strip().lower()) if isinstance(named, str) else None
    if role is None:
        has = f"no role, only {', '.join(given) or 'nulls'}" if named is None else f"the role {shown(named)}"
        raise InvalidRecord("unknown_role", f"turn {at} has {has}; roles are {', '.join(sorted(_ROLES))}")
    return role


def _said(given: dict[str, Any], at: int) -> Content:
    """Return a turn's text, reasoning and calls, as they were recorded."""
    calls = [*_as_list(given.get("tool_calls")), *_as_list(given.get("function_call"))]
    content = given.get("content", given.get("value", given.get("refusal")))
    if str(given.get("role", given.get("from"))).strip().lower() in _CALLING:
        return Content("", [], [*calls, *_as_list(content)])
    if content is None and not calls:
        raise InvalidRecord("bad_messages", f"turn {at} has no content, only {', '.join(given)}")
    said = read_content(content, at)
    return said._replace(calls=[*calls, *said.calls])


def _add_answer(found: dict[str, Any], calls: list[Any], reasoning: list[str], at: int, ids: CallIds) -> None:
    """Add calls and reasoning to an assistant's turn, and take both out of its text."""
    found["content"], thought = split_reasoning(found["content"], "\n\n".join(reasoning))
    if thought:
        found["reasoning"] = thought
    read = read_calls(calls, at, ids)
    if not read and (tagged := find_tagged_calls(found["content"])):
        found["content"], functions = tagged
        read = read_calls(functions, at, ids)
    if read:
        found["tool_calls"] = read


def _as_list(value: Any) -> list[Any]:
    """Return one or several calls, as they are or as JSON text."""
    if isinstance(value, str) and value.strip():
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return [value]  # refused as a call
    return value if isinstance(value, list) else [value] if value else []


def _reasoning(given: dict[str, Any], at: int) -> list[str]:
    found = [given[key] for key in _REASONING if key in given]
    for value in found:
        if not isinstance(value, str):
            raise InvalidRecord("bad_messages", f"the reasoning of turn {at} must be text, not {shown(value)}")
    return found


def _weight(given: dict[str, Any], at: int) -> int:
    weight = given.get("weight", 1)
    if weight not in (0, 1):
        raise InvalidRecord("bad_weight", f"turn {at} has the weight {shown(weight)}; 0 is not learnt, 1 is")
    return int(weight)


def _name(given: dict[str, Any], key: str, at: int) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        raise InvalidRecord("bad_messages", f"{key} of turn {at} must be text, not {shown(value)}")
    return value


def _response(text: str) -> str:
    """Return a tool's result without the marks that chat templates put around it."""
    bare = text.strip()
    begins, ends = bare.startswith(_RESPONSE[0]), bare.endswith(_RESPONSE[1])
    is_one = begins and ends and bare.count(_RESPONSE[0]) == 1
    return bare[len(_RESPONSE[0]) : -len(_RESPONSE[1])].strip() if is_one else text


def shown(value: Any) -> str:
    """Return a value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
