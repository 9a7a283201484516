"""Calls of tools as text, and back: the form in which answers and references hold them.

It is that of many open models' chat templates: `<tool_call>` around a JSON object with name and arguments.
"""

import json
import re
from typing import Any

import orjson

_TAGGED = re.compile(
    r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)|(<function=.*?(?:</function>(?:\s*</tool_call>)?|\Z))", re.DOTALL
)
# Qwen3-Coder's and Llama's form of one call
_FUNCTION = re.compile(r"<function=([^<>\s]+)>\s*(.*?)\s*(?:</function>.*)?", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^<>]+)>\n?(.*?)\n?(?:</parameter>\s*|(?=<parameter=)|\Z)", re.DOTALL)
_PYTHON = {"True": True, "False": False, "None": None}  # as templates write them
CALLING_TOKEN = "[TOOL_CALLS]"  # Mistral's; without it several calls in its later form run into one another
Function = dict[str, Any]  # name, and arguments as an object


def with_calls(turn: dict[str, Any]) -> str:
    """Return the content of a turn, with its calls as text."""
    calls = turn.get("tool_calls")
    return calls_as_text(turn["content"], calls) if calls else str(turn["content"])


def calls_as_text(content: str, calls: list[dict[str, Any]]) -> str:
    """Return `content` and then the calls of a turn, one below the other."""
    texts = [f"<tool_call>\n{orjson.dumps(call['function']).decode()}\n</tool_call>" for call in calls]
    return "\n".join([content, *texts] if content else texts)


def arguments_as_text(turn: dict[str, Any]) -> dict[str, Any]:
    """Return a turn whose calls have their arguments as JSON text, as OpenAI's interface has them."""
    called = [(call, orjson.dumps(call["function"]["arguments"]).decode()) for call in turn["tool_calls"]]
    calls = [{**call, "function": {**call["function"], "arguments": text}} for call, text in called]
    return {**turn, "tool_calls": calls}


def take_tools(turns: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
    """Return a prompt's turns, and the tools that its first turn carries with it; None without any."""
    tools = next((turn["tools"] for turn in turns if "tools" in turn), None)
    if tools is None:
        return turns, None
    return [{key: value for key, value in turn.items() if key != "tools"} for turn in turns], tools


def tools_as_text(tools: list[dict[str, Any]]) -> str:
    """Return what tells a model of its tools where a prompt has no place for them, and how to write a call."""
    listed = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    return (
        f"You may call these tools:\n{listed}\nWrite a call as\n<tool_call>\n"
        '{"name": ..., "arguments": {...}}\n</tool_call>'
    )


def find_tagged_calls(text: str) -> tuple[str, list[Function]] | None:
    """Return the text beside calls in `<tool_call>` marks, and the calls; None without any, or if one is no call.

    A call in marks is JSON, or `<function=name>` around parameters in marks, which also stands alone.
    """
    if "<tool_call>" not in text and "<function=" not in text:
        return None
    found = [_marked_function(match[1] or match[2] or "") for match in _TAGGED.finditer(text)]
    calls = [call for call in found if call is not None]
    return (_TAGGED.sub("", text).strip(), calls) if len(calls) == len(found) else None


def as_function(value: Any) -> Function | None:
    """Return a decoded call as name and arguments; None if it is none."""
    if not isinstance(value, dict):
        return None
    value = value.get("function") if isinstance(value.get("function"), dict) else value
    arguments = value.get("arguments", value.get("parameters", {}))
    arguments = _loads(arguments) if isinstance(arguments, str) else arguments
    if not isinstance(value.get("name"), str) or not isinstance(arguments, dict):
        return None
    return {"name": value["name"], "arguments": arguments}


def _marked_function(text: str) -> Function | None:
    match = _FUNCTION.fullmatch(text)
    if match is None:
        return as_function(_loads(text))
    if match[2].startswith("{"):
        return as_function({"name": match[1], "arguments": match[2]})
    if _PARAMETER.sub("", match[2]).strip():
        return None
    given = {name.strip(): _untyped(value) for name, value in _PARAMETER.findall(match[2])}
    return {"name": match[1], "arguments": given}


def _untyped(text: str) -> Any:
    """Return a value that was written without its type: JSON but for texts, which have no quotes."""
    if text.strip() in _PYTHON:
        return _PYTHON[text.strip()]
    value = _loads(text)
    return text if value is None and text.strip() != "null" else value


def as_turn(text: str) -> dict[str, Any]:
    """Return an answer or reference as the assistant's turn, its calls apart from its text."""
    tagged = find_tagged_calls(text)
    if tagged is None:
        return {"role": "assistant", "content": text}
    content, functions = tagged
    calls = [
        {"id": f"call{number:05d}", "type": "function", "function": function}
        for number, function in enumerate(functions, start=1)
    ]
    return {"role": "assistant", "content": content, "tool_calls": calls}


def _loads(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
