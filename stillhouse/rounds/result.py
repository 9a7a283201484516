"""What came of each round, and whether another one is worth its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillhouse.costs.ledger import PaidPart, total
from stillhouse.recipe.rounds import Rounds

if TYPE_CHECKING:
    # SciPy behind it takes a second to load, and a run without rounds needs none of it
    from stillhouse.evaluation.significance import Interval

POINTS = 100.0  # of a metric in [0, 1]
_THOUSAND = 1000
BUDGET_SPENT = "the budget for rounds was spent"


@dataclass(frozen=True)
class RoundCost:
    """What a round's answers took, whichever run paid for them: those of the teacher, and those of a judge."""

    requests: int
    tokens: int
    usd: float | None  # None: no price is known


@dataclass(frozen=True)
class RoundResult:
    """One finished round."""

    number: int  # from 1
    prompts: int  # asked in it
    again: int  # answers to prompts of earlier rounds that had failed
    examples: int  # that its student learnt, of this round and those before
    cost: RoundCost
    quality: Interval  # of its student on validation rows
    gain: Interval | None  # against the round before; None in the first
    is_cut: bool  # the budget was spent before all of its prompts were answered
    left: int  # prompts that are not asked yet

    def worth(self, rounds: Rounds) -> float | None:
        """Return the points that it brought by a thousand requests or by a dollar, by the number that decides.

        None in the first round, or where what it is counted by is 0 or not known.
        """
        per = self.cost.requests / _THOUSAND if rounds.gain_per == "thousand_requests" else self.cost.usd
        if self.gain is None or not per:
            return None
        by = {"estimate": self.gain.value, "low": self.gain.low, "high": self.gain.high}
        return by[rounds.gain_by] * POINTS / per


@dataclass(frozen=True)
class Rounded:
    """All rounds of a run, and why there was no other."""

    results: Sequence[RoundResult]
    stopped: str
    metric: str
    by_references: bool  # whether every validation row that was measured on has one


def cost_of(lines: Sequence[PaidPart]) -> RoundCost:
    """Return what the lines of a ledger add up to."""
    return RoundCost(
        requests=sum(line.life.requests or 0 for line in lines),
        tokens=sum(line.life.tokens for line in lines),
        usd=total(line.life_usd for line in lines),
    )


def why_stop(results: Sequence[RoundResult], rounds: Rounds) -> str:
    """Return why no other round begins, as the end of a sentence; empty if one does."""
    last = results[-1]
    if last.is_cut:
        return BUDGET_SPENT
    if not last.left:
        return "all prompts are asked"
    worth = last.worth(rounds)
    if worth is not None and rounds.min_gain is not None and worth <= rounds.min_gain:
        per = "thousand requests" if rounds.gain_per == "thousand_requests" else "US dollar"
        end = "" if rounds.gain_by == "estimate" else f" at the {rounds.gain_by} end of its interval"
        return (
            f"round {last.number} brought {worth:.3g} points a {per}{end}, no more than rounds.min_gain: "
            f"{rounds.min_gain:g}"
        )
    if last.number >= rounds.count:
        return f"rounds.count is {rounds.count}"
    return ""
