"""Fits calls and definitions of tools to what a chat template writes, so that it leaves none of them out."""

import functools
import hashlib
import re
from typing import Any

from jinja2 import TemplateError

from stillhouse.data.row import Messages
from stillhouse.data.tool_calls import arguments_as_text, tools_as_text, with_calls

Tools = list[dict[str, Any]]

_ASK = {"role": "user", "content": "Where?"}
_NAME, _VALUE = "probe_name", "probe_value"
_LONG_ID = "call_of-the-probe-1"
_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")
_ARGUMENTS = {"place": _VALUE}
_TOOL = {"type": "function", "function": {"name": _NAME, "description": "", "parameters": {"type": "object"}}}


def fit_calls(tokenizer: Any, turns: Messages) -> Messages:
    """Return `turns` with their calls as the template takes them; as text where it does not write calls.

    Where it takes ids of nine letters and digits only, as Mistral's, other ids become such, in calls and results alike.
    """
    if not any("tool_calls" in turn or "tool_call_id" in turn for turn in turns):
        return turns
    template = str(tokenizer.chat_template)
    form = _form(tokenizer, template)
    if form != "none" and not _takes_any_id(tokenizer, template, form):
        turns = [_with_short_ids(turn) for turn in turns]
    return [_fitted(turn, form) if "tool_calls" in turn else turn for turn in turns]


def fit_tools(tokenizer: Any, turns: Messages, tools: Tools | None) -> tuple[Messages, Tools | None]:
    """Return the turns and the tools for the template; where it does not write tools, the system turn lists them."""
    if not tools or _writes_tools(tokenizer, str(tokenizer.chat_template)):
        return turns, tools or None
    said = tools_as_text(tools)
    if turns and turns[0]["role"] == "system":
        return [{**turns[0], "content": f"{turns[0]['content']}\n\n{said}"}, *turns[1:]], None
    return [{"role": "system", "content": said}, *turns], None


def _fitted(turn: dict[str, Any], form: str) -> dict[str, Any]:
    if form == "none":
        rest = {key: value for key, value in turn.items() if key != "tool_calls"}
        return {**rest, "content": with_calls(turn)}
    return arguments_as_text(turn) if form == "text" else turn


def _with_short_ids(turn: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if "tool_call_id" in turn:
        changed["tool_call_id"] = _short_id(turn["tool_call_id"])
    if "tool_calls" in turn:
        changed["tool_calls"] = [{**call, "id": _short_id(call["id"])} for call in turn["tool_calls"]]
    return turn | changed


def _short_id(own: str) -> str:
    """Return an id of nine letters and digits: itself if it is one, else always the same for the same id."""
    return own if _SHORT_ID.fullmatch(own) else hashlib.sha256(own.encode()).hexdigest()[:9]


@functools.lru_cache(maxsize=64)
def _takes_any_id(tokenizer: Any, template: str, form: str) -> bool:
    call = {"id": _LONG_ID, "type": "function", "function": {"name": _NAME, "arguments": _ARGUMENTS}}
    turn = {"role": "assistant", "content": "", "tool_calls": [call]}
    return _NAME in _written(tokenizer, [_ASK, arguments_as_text(turn) if form == "text" else turn])


@functools.lru_cache(maxsize=64)
def _form(tokenizer: Any, template: str) -> str:
    """Return how the template takes a call's arguments: `object`, `text`, or `none` if it does not write calls."""
    call = {"id": "call00001", "type": "function", "function": {"name": _NAME, "arguments": _ARGUMENTS}}
    turn = {"role": "assistant", "content": "", "tool_calls": [call]}
    for form, asked in (("object", turn), ("text", arguments_as_text(turn))):
        written = _written(tokenizer, [_ASK, asked])
        # Python writes an object in single quotes, JSON text within JSON has backslashes
        if _NAME in written and _VALUE in written and not re.search(rf"'{_VALUE}'|\\\"{_VALUE}", written):
            return form
    return "none"


@functools.lru_cache(maxsize=64)
def _writes_tools(tokenizer: Any, template: str) -> bool:
    return _NAME in _written(tokenizer, [_ASK], tools=[_TOOL])


def _written(tokenizer: Any, turns: Messages, **more: Any) -> str:
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, **more))
    except (TemplateError, TypeError):  # it takes arguments in another form, or no such turns
        return ""
