"""Infers which column of a source holds the prompt, the id, the label and the reference.

Only a recipe's draft is inferred; a run uses what its recipe says.
"""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

Record = dict[str, Any]

_NAMES = {
    "text": ("text", "message", "prompt", "question", "query", "input", "utterance", "sentence", "body", "content"),
    "messages": ("messages", "conversation", "turns", "chat", "dialog", "dialogue"),
    "id": ("id", "uuid", "guid", "key", "row_id", "message_id", "ticket_id", "request_id"),
    "label": ("label", "intent", "category", "class", "topic", "tag", "gold", "gold_label"),
    "reference": ("reference", "references", "answer", "answers", "expected", "target", "output", "response"),
}
_MAX_LABELS = 100
_MAX_LABEL_CHARS = 60


def infer_columns(records: Sequence[Record], *, label_by_look: bool = True) -> dict[str, str]:
    """Return field -> column for the fields of a recipe's `columns` that were recognised; without a prompt, none.

    A name that is common for its field decides; if there is none, the values do. With `label_by_look` off a label is
    taken by its name alone. A reference is sought only if there is no label, which would be the reference.
    """
    names = list(dict.fromkeys(name for record in records for name in record))
    values = {name: [v for record in records if (v := record.get(name)) is not None] for name in names}
    left = [name for name in names if len(values[name]) * 2 >= len(records) or _known(name, "label")]
    found: dict[str, str] = {}

    def take(
        field: str, looks: Callable[[Sequence[Any]], bool], unnamed: Callable[[Sequence[str]], str | None]
    ) -> None:
        fitting = [name for name in left if values[name] and looks(values[name])]
        named = sorted((name for name in fitting if _known(name, field)), key=lambda name: _rank(name, field))
        chosen = named[0] if named else unnamed(fitting)
        if chosen is not None:
            found[field] = chosen
            left.remove(chosen)

    def longest(fitting: Sequence[str]) -> str | None:
        prose = [name for name in fitting if _is_prose(values[name])]
        return max(prose, key=lambda name: sum(map(len, values[name])) / len(values[name]), default=None)

    def single(fitting: Sequence[str]) -> str | None:
        few = [name for name in fitting if _repeats(values[name])]
        return few[0] if len(few) == 1 and label_by_look else None

    take("messages", _is_turns, lambda fitting: fitting[0] if fitting else None)
    take("id", _is_id, lambda fitting: None)
    take("label", _is_label, single)
    if "messages" not in found:
        take("text", _is_text, longest)
    if "messages" not in found and "text" not in found:
        return {}
    if "label" not in found:
        take("reference", lambda values: True, lambda fitting: None)
    return found


def _known(name: str, field: str) -> bool:
    return name.strip().casefold() in _NAMES[field]


def _rank(name: str, field: str) -> int:
    return _NAMES[field].index(name.strip().casefold())


def _is_turns(values: Sequence[Any]) -> bool:
    return all(_has_turns(value) for value in values)


def _has_turns(value: Any) -> bool:
    if isinstance(value, str):  # a CSV cell
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return False
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(t, dict) and {"role", "content"} <= set(t) for t in value)
    )


def _is_id(values: Sequence[Any]) -> bool:
    return all(type(value) in (str, int) for value in values) and len(set(values)) == len(values)


def _is_label(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str | bool | int) and len(str(value)) <= _MAX_LABEL_CHARS for value in values)


def _repeats(values: Sequence[Any]) -> bool:
    """Return True if few values come again and again; a file sorted by label may show one only."""
    distinct = len(set(map(str, values)))
    return 2 <= distinct <= _MAX_LABELS and distinct * 4 <= len(values)


def _is_text(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_prose(values: Sequence[str]) -> bool:
    """Return True if most values hold several words, or letters of a script that may not separate its words."""
    return 2 * sum(" " in value.strip() or not value.isascii() for value in values) > len(values)
