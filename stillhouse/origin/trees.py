"""Values of JSON trees by their paths, and where two trees differ."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Scalar = bool | int | float | str | None

_SCORED = ("models", "comparison", "gate", "exports")  # the blocks of a report whose values are scores


class Change(NamedTuple):
    """A value that is not what it was; None where it is missing on one side."""

    path: str
    expected: str | None
    found: str | None


def scores_of(report: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return each value of a report's models, comparison, gate and exports, by its dotted path."""
    values = leaves({block: report[block] for block in _SCORED if block in report})
    return {path: value for path, value in values.items() if not isinstance(value, dict | list)}


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return each value of a JSON tree by its dotted path; an empty list or object is a value."""
    if not (isinstance(value, dict | list) and value):
        return {path: value}
    items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, Any] = {}
    for name, one in items:
        found |= leaves(one, f"{path}.{name}" if path else f"{name}")
    return found


def changes(expected: Any, found: Any) -> list[Change]:
    """Return where two JSON trees differ, in the order of the first."""
    first, second = leaves(expected), leaves(found)
    return [
        Change(path, _text(first, path), _text(second, path))
        for path in dict.fromkeys((*first, *second))
        if _text(first, path) != _text(second, path)
    ]


def _text(values: Mapping[str, Any], path: str) -> str | None:
    # by their text: 1 and 1.0 and True are equal in Python, and are not the same recipe
    return repr(values[path]) if path in values else None
