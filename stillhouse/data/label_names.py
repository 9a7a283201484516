"""Labels as people read them: in messages, and as texts that say what they mean."""

from collections.abc import Iterable

_SHOWN = 10


def listed(labels: Iterable[str]) -> str:
    """Return the first labels, quoted, and how many more there are."""
    found = list(labels)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(map(repr, found[:_SHOWN])) + more


def in_words(label: str) -> str:
    """Return a label's name with spaces between its words: `card_arrival` is `card arrival`."""
    return label.replace("_", " ").replace("-", " ").strip() or label
