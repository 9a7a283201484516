"""Who leads after a round, who is shown to be worse, and who runs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from stillhouse.evaluation.family import holm
from stillhouse.evaluation.scoring import Scoring
from stillhouse.racing.differences import Estimate, Measured, estimate
from stillhouse.racing.numbers import points, points_interval
from stillhouse.racing.schedule import num_staying
from stillhouse.racing.summary import Estimated, Spent, Standing


@dataclass(frozen=True)
class Result:
    """One contestant after a round."""

    name: str
    quality: Estimate
    behind: Estimate | None  # its quality less the best one's; None of the best
    p_value: float  # of `behind`, Holm's over all pairs of the round

    def is_worse(self, alpha: float) -> bool:
        """Return whether it is shown to be worse than the best."""
        return self.behind is not None and self.p_value < alpha


def rank(measured: Mapping[str, Measured], scoring: Scoring) -> list[Result]:
    """Return the contestants of a round, the best first, of equals in their order.

    The best is chosen by the same rows, so every pair counts as a test: Holm's correction is over all pairs.
    """
    quality = {name: estimate(one, scoring) for name, one in measured.items()}
    names = sorted(measured, key=lambda name: -quality[name].value)
    pairs = list(combinations(names, 2))
    differences = {pair: estimate(measured[pair[1]].less(measured[pair[0]]), scoring) for pair in pairs}
    corrected = dict(zip(pairs, holm([differences[pair].p_value for pair in pairs]), strict=True))
    best = names[0]
    return [
        Result(name, quality[name], differences.get((best, name)), corrected.get((best, name), 1.0)) for name in names
    ]


def running_on(results: Sequence[Result], alpha: float, *, is_last: bool) -> list[str]:
    """Return who runs in the next round, the best first: half, and of these nobody who is shown to be worse.

    Only the best is left if all others are shown to be worse; the race is over then.
    """
    kept = results[: num_staying(len(results), is_last=is_last)]
    return [one.name for one in kept if not one.is_worse(alpha)]


def standing(result: Result, rows: int, spent: Spent, running: Sequence[str]) -> Standing:
    """Return the entry of a contestant in the report."""
    behind = result.behind
    return Standing.model_validate(
        {
            "contestant": result.name,
            "quality": Estimated(value=result.quality.value, low=result.quality.low, high=result.quality.high),
            "rows": rows,
            "spent": spent,
            "behind": behind
            and Estimated(value=behind.value, low=behind.low, high=behind.high, p_value=result.p_value),
            # of the last round nobody runs on
            "is_out": bool(running) and result.name not in running,
        }
    )


def conclusion(standings: Sequence[Standing], alpha: float) -> str:
    """Return in plain words who won the last round, and of whom that is shown."""
    best, *others = standings
    if not others:
        return f"{best.contestant} is left: all others were shown to be worse."
    shown = [one for one in others if one.behind and (one.behind.p_value or 0.0) < alpha]
    nearest = others[0]
    assert nearest.behind is not None, "only the best is behind nobody"
    gap, interval = points(-nearest.behind.value), points_interval(-nearest.behind.high, -nearest.behind.low)
    if len(shown) == len(others):
        return f"{best.contestant} makes the best student, by {gap} points {interval} before {nearest.contestant}."
    equals = [best, *(one for one in others if one not in shown)]
    names = ", ".join(one.contestant for one in equals[1:])
    cheap = _cheapest(equals)
    advice = f" {cheap} takes the least of them." if cheap else ""
    return (
        f"{best.contestant} leads by {gap} points {interval} before {nearest.contestant}, but is not shown to make a "
        f"better student than {names}.{advice}"
    )


def _cheapest(equals: Sequence[Standing]) -> str:
    """Return who took the least money, or tokens where no price is known, for as many prompts; empty if all alike."""

    def cost(one: Standing) -> float:
        spent = one.spent
        total = spent.usd if all(other.spent.usd is not None for other in equals) else spent.tokens
        return (total or 0.0) / max(1, spent.prompts)

    costs = [cost(one) for one in equals]
    return equals[costs.index(min(costs))].contestant if max(costs) > min(costs) * 1.01 else ""
