"""Reads the content of a turn that is a list of parts, as OpenAI's and Anthropic's interfaces have it."""

from collections import Counter
from typing import Any, NamedTuple

from stillhouse.data.record import InvalidRecord

# type of a part -> the key of its text
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_THOUGHTS = {"thinking": "thinking", "reasoning": "text"}
_CALL = "tool_use"


class Content(NamedTuple):
    """A turn's text, its pieces of reasoning, and its calls of tools as they were recorded."""

    text: str
    reasoning: list[str]
    calls: list[dict[str, Any]]


def read_content(content: Any, at: int) -> Content:
    """Return the content of turn number `at`; the texts of several parts stand one below the other, as vLLM joins them.

    Raises:
        InvalidRecord: it is neither text nor parts, or a part is no text: no model here sees an image or hears a sound.
    """
    if content is None:
        return Content("", [], [])
    if isinstance(content, str):
        return Content(content, [], [])
    parts = content if isinstance(content, list) else [content]
    read = [({"type": "text", "text": part} if isinstance(part, str) else part) for part in parts]
    if not all(isinstance(part, dict) for part in read):
        kind = type(next(part for part in read if not isinstance(part, dict))).__name__
        raise InvalidRecord("bad_messages", f"the content of turn {at} must be text or a list of parts, it is {kind}")
    # Arrow gives every part the keys of all
    found = [{key: value for key, value in part.items() if value is not None} for part in read]
    _check_kinds(found, at)
    return Content(
        "\n".join(_texts(found, _TEXTS, at)),
        _texts(found, _THOUGHTS, at),
        [
            {"id": part.get("id"), "name": part.get("name"), "arguments": part.get("input")}
            for part in found
            if part.get("type") == _CALL
        ],
    )


def _check_kinds(parts: list[dict[str, Any]], at: int) -> None:
    kinds = Counter(str(part.get("type", "untyped")) for part in parts)
    others = {kind: number for kind, number in kinds.items() if kind not in {*_TEXTS, *_THOUGHTS, _CALL}}
    if others:
        counted = ", ".join(f"{number} {kind}" for kind, number in others.items())
        raise InvalidRecord(
            "not_text",
            f"turn {at} holds parts that are no text ({counted}); models of texts see none of them. Leave the parts "
            "out if the conversation can do without them, else the row",
        )


def _texts(parts: list[dict[str, Any]], keys: dict[str, str], at: int) -> list[str]:
    texts = [part.get(keys[part["type"]]) for part in parts if part["type"] in keys]
    for text in texts:
        if not isinstance(text, str):
            raise InvalidRecord("bad_messages", f"a part of turn {at} has no text, it is {type(text).__name__}")
    return [str(text) for text in texts]
