"""Reads calls of tools out of what a model wrote, in the forms that the chat templates of many families teach."""

import re
from typing import Any

import orjson

from stillhouse.data.tool_calls import CALLING_TOKEN, Function, as_function, calls_as_text, find_tagged_calls

# marks before and after calls in JSON; a decoder that skips special tokens leaves some of them out
_MARKS = re.compile(r"<\|python_tag\|>|\[/?TOOL_CALLS\]|<\|/?tool_calls?\|>|<\|tool_call_(?:begin|end)\|>")
_KEYS = {"name", "arguments", "parameters", "id", "type", "function"}
# Mistral's later form; the decoder may have left its marks out
_NAMED = re.compile(r"\s*([A-Za-z_][\w.-]*)(?:\[CALL_ID\]\w+)?(?:\[ARGS\]\s*)?(\{.*\})\s*", re.DOTALL)
_SEVERAL = re.compile(r"(?<=\})\s*;\s*(?=\{)")  # Llama's


def answer_with_calls(text: str) -> str:
    """Return an answer with its calls in the one form of references; text without calls comes back stripped."""
    found = find_tagged_calls(text)
    if found is None:
        content, mark, rest = _split(text)
        calls = _json_calls(_MARKS.sub("", rest)) or _named_calls(rest)
        if calls is None:
            return text.strip()
        found = content.strip() if mark else "", calls
    return calls_as_text(found[0], [{"function": call} for call in found[1]])


def _split(text: str) -> tuple[str, bool, str]:
    first = _MARKS.search(text)
    if first is None:
        return "", False, text
    return text[: first.start()], True, text[first.start() :]


def _named_calls(text: str) -> list[Function] | None:
    """Return the calls that `text` is as `name{arguments}`, each behind a mark but for a single one."""
    parts = [part for part in text.split(CALLING_TOKEN) if part.strip()]
    named = [_NAMED.fullmatch(part) for part in parts]
    calls = [as_function({"name": match[1], "arguments": match[2]}) for match in named if match]
    found = [call for call in calls if call is not None]
    return found if found and len(found) == len(parts) else None


def _json_calls(text: str) -> list[Function] | None:
    """Return the calls that `text` is, and nothing else, as JSON objects or a list of them; None if it is not."""
    values: list[Any] = []
    try:
        for part in _SEVERAL.split(text.strip()):
            value = orjson.loads(part)
            values += value if isinstance(value, list) else [value]
    except orjson.JSONDecodeError:
        return None
    # an answer that is data with a name must not become a call
    if not all(isinstance(value, dict) and value.keys() <= _KEYS and len(value) > 1 for value in values):
        return None
    calls = [call for value in values if (call := as_function(value)) is not None]
    return calls if calls and len(calls) == len(values) else None
