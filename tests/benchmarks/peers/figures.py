"""What the processes took, and the ratios that are bounds."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

ASKING, WHOLE, AGAIN = 0.97, 1.1, 5.0
PEERS = ("distilabel", "curator")


@dataclass(frozen=True)
class Took:
    """One process: its seconds, those of its asking if it tells, and the requests that the server answered."""

    seconds: float
    asking_s: float | None
    requests: int

    def __str__(self) -> str:
        """Give one line's text."""
        asking = "" if self.asking_s is None else f", asking {self.asking_s:.1f} s"
        return f"{self.seconds:.1f} s{asking}, {self.requests} requests"


def verdicts(took: Mapping[str, Mapping[str, list[Took]]]) -> list[str]:
    """Return a line a ratio of medians, in which more is better; `took` is by `first` or `again`, and by way."""
    first, again = ({way: _median(found) for way, found in took[when].items()} for when in ("first", "again"))
    asking = {
        way: statistics.median(found.asking_s or 0.0 for found in took["first"][way]) for way in ("bare", "stillhouse")
    }
    return [
        _line("asking: bare / Stillhouse", asking["bare"], asking["stillhouse"], ASKING),
        _line("whole, first: better of the two / Stillhouse", _better(first), first["stillhouse"], WHOLE),
        _line("whole, again: better of the two / Stillhouse", _better(again), again["stillhouse"], AGAIN),
    ]


def _median(found: list[Took]) -> float:
    return statistics.median(one.seconds for one in found)


def _better(medians: Mapping[str, float]) -> float:
    return min(medians[peer] for peer in PEERS)


def _line(what: str, theirs: float, ours: float, bound: float) -> str:
    word = "met" if theirs >= bound * ours else "missed"
    return f"{what}: {theirs:.1f} s / {ours:.1f} s = {theirs / ours:.2f} (bound {bound:g}: {word})"
