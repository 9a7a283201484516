"""Simulates gates: how often a student is promoted that must not be, and how often one that may.

    python -m tests.benchmarks.gate_verdicts [gates a case, 1000]

Each line is one rule on one size of test set, with rows alone or in groups of five that go together. The student is
first exactly at the rule's bound (passing is then a false promotion), then as good as the other model (passing is then
the power that was announced). The last lines are 50 nights of new students that are no better than the bound.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from stillhouse.evaluation.clusters import Clusters
from stillhouse.evaluation.significance import share_interval
from stillhouse.gate.bounds import decide_number
from stillhouse.gate.comparisons import Comparison, verdict_of_p
from stillhouse.gate.evidence import Opponent
from stillhouse.gate.power import better_power, grouped_power, not_worse_power, score_power
from stillhouse.gate.scores import pair_means
from stillhouse.gate.shares import pair_shares
from stillhouse.gate.spending import level_of_look
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.gate import Rule
from stillhouse.reports.schema.gate import Looks, Verdict

ALPHA, MARGIN, DIFFERING, GROUP, ALIKE = 0.05, 0.05, 0.15, 5, 0.3
GAIN = 0.08  # of a student that is better
SPREAD = 0.25  # standard deviation of the differences of scores
SIZES, NIGHTS = (100, 250, 1000), 50
SETTINGS = Evaluation(resamples=500)
Draw = Callable[[np.random.Generator, float], Verdict]


@dataclass(frozen=True)
class Case:
    """One rule on one size of test set."""

    name: str
    num_rows: int
    is_grouped: bool
    bound: float  # true difference at which passing is wrong
    good: float  # true difference at which passing is right
    announced: float  # power at `good`; NaN: none is announced
    decide: Callable[[np.random.Generator, float, Looks], Verdict]


def look(number: int) -> Looks:
    """Return the look of that number."""
    return Looks(test_set="0" * 64, look=number, used=number, level=level_of_look(number, ALPHA), alpha=ALPHA)


def verdict(comparison: Comparison, at: Looks) -> Verdict:
    """Return the verdict of a rule that is alone, so that there is nothing to correct."""
    p = comparison.p_value
    assert p is not None
    return verdict_of_p(p, comparison.p_against, at)


def groups_of(num_rows: int, is_grouped: bool) -> Clusters | None:
    return np.repeat(np.arange(num_rows // GROUP), GROUP) if is_grouped else None


def draw_shares(rng: np.random.Generator, num_rows: int, gain: float, is_grouped: bool) -> tuple[np.ndarray, ...]:
    """Return right and wrong answers of two models; rows of a group have a correlation of ALIKE."""
    shares = np.array([(DIFFERING + gain) / 2, (DIFFERING - gain) / 2, 1 - DIFFERING])
    if is_grouped:
        own = rng.dirichlet(np.maximum(shares * (1 - ALIKE) / ALIKE, 1e-6), size=num_rows // GROUP)
        cells = (rng.random((num_rows // GROUP, GROUP, 1)) > own.cumsum(1)[:, None, :]).sum(2).ravel()
    else:
        cells = rng.choice(3, size=num_rows, p=shares)
    return cells != 1, cells != 0


def compare_shares(num_rows: int, is_grouped: bool, margin: float | None) -> Callable[..., Verdict]:
    def decide(rng: np.random.Generator, gain: float, at: Looks) -> Verdict:
        pair = pair_shares(*draw_shares(rng, num_rows, gain, is_grouped), groups_of(num_rows, is_grouped))
        return verdict(Comparison("", Opponent("teacher", []), "", margin, pair), at)

    return decide


def compare_scores(num_rows: int, is_grouped: bool, margin: float | None) -> Callable[..., Verdict]:
    def decide(rng: np.random.Generator, gain: float, at: Looks) -> Verdict:
        groups = groups_of(num_rows, is_grouped)
        rows = gain + rng.normal(0, SPREAD * np.sqrt(1 - ALIKE), num_rows)
        if groups is not None:
            rows += rng.normal(0, SPREAD * np.sqrt(ALIKE), num_rows // GROUP)[groups]
        settings = SETTINGS.model_copy(update={"seed": int(rng.integers(2**31))})
        pair = pair_means(rows, settings, groups)
        return verdict(Comparison("", Opponent("teacher", []), "", margin, pair), at)

    return decide


def at_least(num_rows: int, is_grouped: bool) -> Callable[..., Verdict]:
    """Return the rule "accuracy is at least 0.85 by its low end"; the difference is that to 0.85."""

    def decide(rng: np.random.Generator, gain: float, at: Looks) -> Verdict:
        groups, share = groups_of(num_rows, is_grouped), 0.85 + gain
        chance = np.full(num_rows, share)
        if groups is not None:
            scale = (1 - ALIKE) / ALIKE
            chance = rng.beta(share * scale, (1 - share) * scale, num_rows // GROUP)[groups]
        found = share_interval((rng.random(num_rows) < chance).astype(float), SETTINGS, groups)
        report = {
            "quality": {"value": found.value, "low": found.low, "high": found.high, "n": num_rows},
            "comparison": {"num_clusters": num_rows // GROUP if is_grouped else None},
        }
        return decide_number(report, Rule(metric="quality.low", bound=0.85), at).verdict

    return decide


def design_effect(num_rows: int) -> float:
    """Return the design effect that is estimated on average: half a group that differs as one counts with the rows."""
    seen = num_rows * DIFFERING
    return (seen * (1 + (GROUP - 1) * ALIKE) + GROUP**2 / 2) / (seen + GROUP / 2)


def cases() -> Iterator[Case]:
    level = level_of_look(1, ALPHA)
    for num_rows in SIZES:
        for is_grouped in (False, True):
            plain = not_worse_power(num_rows, DIFFERING, MARGIN, level)
            effect, num_groups = design_effect(num_rows), num_rows // GROUP
            grouped = grouped_power(num_rows, DIFFERING, MARGIN, level, design_effect=effect, num_groups=num_groups)
            units = num_rows // GROUP if is_grouped else num_rows
            spread = SPREAD * np.sqrt((1 - ALIKE + (ALIKE * GROUP if is_grouped else 0.0)) / num_rows)
            yield Case("not worse, shares", num_rows, is_grouped, -MARGIN, 0.0, grouped if is_grouped else plain,
                       compare_shares(num_rows, is_grouped, MARGIN))  # fmt: skip
            yield Case("better, shares", num_rows, is_grouped, 0.0, GAIN,
                       np.nan if is_grouped else better_power(num_rows, DIFFERING, GAIN, level),
                       compare_shares(num_rows, is_grouped, None))  # fmt: skip
            yield Case("not worse, scores", num_rows, is_grouped, -MARGIN, 0.0,
                       score_power(spread, MARGIN, level, units),
                       compare_scores(num_rows, is_grouped, MARGIN))  # fmt: skip
            yield Case("better, scores", num_rows, is_grouped, 0.0, MARGIN,
                       score_power(spread, MARGIN, level, units),
                       compare_scores(num_rows, is_grouped, None))  # fmt: skip
            yield Case("at least, low end", num_rows, is_grouped, 0.0, 0.05, np.nan,
                       at_least(num_rows, is_grouped))  # fmt: skip


def shares_of(case: Case, difference: float, num_gates: int) -> dict[Verdict, float]:
    """Return the share of each verdict over so many gates at their first look."""
    rng = np.random.default_rng([11, zlib.crc32(case.name.encode())])
    found = [case.decide(rng, difference, look(1)) for _ in range(num_gates)]
    return {verdict: found.count(verdict) / num_gates for verdict in ("passed", "refused", "undecidable")}


def nights(case: Case, num_gates: int) -> float:
    """Return the share of series of 50 students at the bound of which any is promoted."""
    rng = np.random.default_rng([12, zlib.crc32(case.name.encode())])
    series = (
        any(case.decide(rng, case.bound, look(night)) == "passed" for night in range(1, NIGHTS + 1))
        for _ in range(num_gates)
    )
    return sum(series) / num_gates


def main(num_gates: int) -> None:
    """Print both tables."""
    print(f"{num_gates} gates a case; simulation error of 5 %: {100 * 1.96 * (0.0475 / num_gates) ** 0.5:.1f} points")
    print(f"{'rule':<20}{'rows':>6} {'groups':<7}{'false':>8}{'power':>8}{'announced':>10}{'undecidable':>12}")
    every = list(cases())
    for case in every:
        wrong, right = (shares_of(case, one, num_gates) for one in (case.bound, case.good))
        told = "-" if np.isnan(case.announced) else f"{100 * case.announced:.1f}"
        print(
            f"{case.name:<20}{case.num_rows:>6} {'of 5' if case.is_grouped else 'none':<7}{100 * wrong['passed']:>8.1f}"
            f"{100 * right['passed']:>8.1f}{told:>10}{100 * right['undecidable']:>12.1f}",
            flush=True,
        )
    print(f"\n{NIGHTS} nights at the bound: series with a false promotion")
    for case in every:
        if case.num_rows == 250:
            wrong = 100 * nights(case, num_gates // 2)
            print(f"{case.name:<20}{'of 5' if case.is_grouped else 'none':<7}{wrong:>8.1f} %", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
