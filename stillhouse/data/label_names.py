"""Shows labels in messages."""

from collections.abc import Iterable

_SHOWN = 10


def listed(labels: Iterable[str]) -> str:
    """Return the first labels, quoted, and how many more there are."""
    found = list(labels)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(map(repr, found[:_SHOWN])) + more
