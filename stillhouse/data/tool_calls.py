"""Writes an assistant's calls of tools into its turn's text, because a row holds roles and contents only.

The form is that of many open models' chat templates: `<tool_call>` around a JSON object with name and arguments.
"""

from typing import Any

import orjson


def with_calls(turn: dict[str, Any]) -> str:
    """Return the content of a turn, with its calls as text."""
    calls = turn.get("tool_calls")
    return calls_as_text(turn["content"], calls) if calls else str(turn["content"])


def calls_as_text(content: str, calls: list[dict[str, Any]]) -> str:
    """Return `content` and then the calls of a turn, one below the other."""
    texts = [f"<tool_call>\n{orjson.dumps(call['function']).decode()}\n</tool_call>" for call in calls]
    return "\n".join([content, *texts] if content else texts)


def with_tool_calls(turns: Any) -> Any:
    """Return a dialogue's turns with their `tool_calls` in their content; anything else is returned as it is."""
    if isinstance(turns, str):  # a CSV cell
        turns = _json_or_text(turns)
    if not isinstance(turns, list):
        return turns
    return [_called(turn) if isinstance(turn, dict) and turn.get("tool_calls") else turn for turn in turns]


def _called(turn: dict[str, Any]) -> dict[str, Any]:
    calls = turn["tool_calls"] if isinstance(turn["tool_calls"], list) else [turn["tool_calls"]]
    texts = [str(turn["content"])] if turn.get("content") else []
    for call in calls:
        # OpenAI's form has the function one level down, and its arguments as text
        function = call.get("function", call) if isinstance(call, dict) else call
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            function = {**function, "arguments": _json_or_text(function["arguments"])}
        texts.append(f"<tool_call>\n{orjson.dumps(function, default=str).decode()}\n</tool_call>")
    return {**turn, "content": "\n".join(texts)}


def _json_or_text(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
