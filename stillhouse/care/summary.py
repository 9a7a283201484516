"""What a clean-up takes or keeps, in lines: kind, number, bytes, oldest and newest."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from stillhouse.care.inventory import Item
from stillhouse.errors import RecipeError

_AGE = re.compile(r"(\d+)\s*([hdw])")
_SECONDS = {"h": 3600.0, "d": 24 * 3600.0, "w": 7 * 24 * 3600.0}
# what is no artifact has words of its own
KINDS = {
    "runs": "runs: report, page, cards",
    "remains of runs": "remains of runs that were deleted in part",
    "attempts": "files of artifacts that no record names",
    "results": "Prefect's results of artifacts that are no more",
    "completions": "completions of teachers that nothing needs",
    "notes": "notes of checks and runs that were killed",
    "checkpoints": "on this machine: checkpoints of trainings that were killed",
    "building": "on this machine: locks",
    "traces": "on this machine: traces of errors",
    "fitting-templates": "on this machine: notes on chat templates",
}


class Line(NamedTuple):
    """All things of one kind."""

    kind: str
    number: int
    size_bytes: int
    oldest: str  # UTC, as 2026-11-28 10:15
    newest: str


def lines_of(items: Iterable[Item]) -> list[Line]:
    """Return a line a kind, in the order of the kinds' names."""
    by_kind: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_kind[KINDS.get(item.kind, f"artifacts of {item.kind}")].append(item)
    return [_line(kind, own) for kind, own in sorted(by_kind.items())]


def age_s(text: str) -> float:
    """Return the seconds of an age such as 12h, 30d or 8w.

    Raises:
        RecipeError: it has another form.
    """
    found = _AGE.fullmatch(text.strip())
    if not found:
        raise RecipeError(f"--older-than {text!r}: it must be a number of hours, days or weeks, as 12h, 30d or 8w.")
    return int(found[1]) * _SECONDS[found[2]]


def _line(kind: str, items: list[Item]) -> Line:
    times = [one.written for one in items]
    return Line(kind, len(items), sum(one.size_bytes for one in items), _day(min(times)), _day(max(times)))


def _day(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M}"
