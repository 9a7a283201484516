"""Fits calls and definitions of tools to what a chat template writes, so that it leaves none of them out."""

import functools
import re
from typing import Any

from jinja2 import TemplateError

from stillhouse.data.row import Messages
from stillhouse.data.tool_calls import arguments_as_text, tools_as_text, with_calls

Tools = list[dict[str, Any]]

_ASK = {"role": "user", "content": "Where?"}
_NAME, _VALUE = "probe_name", "probe_value"
_ARGUMENTS = {"place": _VALUE}
_TOOL = {"type": "function", "function": {"name": _NAME, "description": "", "parameters": {"type": "object"}}}


def fit_calls(tokenizer: Any, turns: Messages) -> Messages:
    """Return `turns` with their calls as the template takes them; as text where it does not write calls."""
    if not any("tool_calls" in turn for turn in turns):
        return turns
    form = _form(tokenizer, str(tokenizer.chat_template))
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
