"""Rules about two models: the student is better than another, or not worse by a margin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import optimize

from stillhouse.evaluation.family import holm
from stillhouse.evaluation.power import smallest_difference, smallest_share_difference
from stillhouse.gate import scores, shares
from stillhouse.gate.bounds import plain_rule
from stillhouse.gate.evidence import Opponent, Paired
from stillhouse.gate.power import grouped_power, not_worse_power, rows_for_margin, score_power
from stillhouse.gate.scores import PairedScores
from stillhouse.gate.shares import PairedShares
from stillhouse.gate.spending import level_of_look
from stillhouse.reports.numbers import NOT_MEASURED, count, decimal, signed
from stillhouse.reports.schema.gate import GateRule, GateTest, Looks, Verdict

_METHODS = {
    (True, False): "exact McNemar test",
    (True, True): "exact sign-flip test over groups",
    (False, False): "Tango's score test",
    (False, True): "Tango's score test of the rows that the groups are worth",
}


@dataclass(frozen=True)
class Comparison:
    """One rule about two models with the student's and the other's scores."""

    text: str
    opponent: Opponent
    metric: str
    margin: float | None  # None: better than
    paired: Paired | None  # None: the opponent was not measured

    @property
    def bound(self) -> float:
        """What the true difference must be above."""
        return 0.0 if self.margin is None else -self.margin

    @property
    def p_value(self) -> float | None:
        """The one-sided p-value of a true difference of at most the bound; None if nothing was measured."""
        if self.paired is None:
            return None
        if self.margin is None and isinstance(self.paired, PairedShares):
            return shares.better_p_value(self.paired.sums)
        return _above(self.paired, self.bound)

    @property
    def p_against(self) -> float:
        """The one-sided p-value of a true difference of at least the bound."""
        assert self.paired is not None, "what was not measured has no p-value"
        if self.margin is None and isinstance(self.paired, PairedShares):
            return shares.better_p_value(-self.paired.sums)
        return 1.0 - _above(self.paired, self.bound)


def decide_comparisons(comparisons: Sequence[Comparison], looks: Looks) -> list[GateRule]:
    """Return the decision of each comparison, their p-values corrected by Holm as one family.

    Those of models that were not measured are no part of the family.
    """
    found = {at: p for at, one in enumerate(comparisons) if (p := one.p_value) is not None}
    corrected = dict(zip(found, holm(list(found.values())), strict=True))
    return [
        _decide(one, found[at], corrected[at], looks, len(found)) if at in found else _not_measured(one)
        for at, one in enumerate(comparisons)
    ]


def verdict_of_p(p_value: float, p_against: float, looks: Looks) -> Verdict:
    """Return the verdict of a rule by the p-values of it being wrong (corrected) and of it being right.

    It passes if the former is at most what the look may spend. It is refused if the opposite is shown at the level of a
    first look: refusing promotes nobody, so it is not paid for.
    """
    if p_value <= looks.level:
        return "passed"
    return "refused" if p_against <= level_of_look(1, looks.alpha) else "undecidable"


def _not_measured(comparison: Comparison) -> GateRule:
    opponent = comparison.opponent
    if opponent.why_settled:
        return plain_rule(comparison.text, None, comparison.bound, "passed", opponent.why_settled)
    why = f"{opponent.role} {NOT_MEASURED}" + (f": {opponent.why_not}" if opponent.why_not else "")
    return plain_rule(comparison.text, None, comparison.bound, "undecidable", why)


def _decide(comparison: Comparison, p: float, corrected: float, looks: Looks, family: int) -> GateRule:
    assert comparison.paired is not None, "what was not measured has no p-value"
    test = _describe(comparison, p, corrected, looks.level, family)
    rule = plain_rule(comparison.text, comparison.paired.difference, comparison.bound, "passed", _evidence(test))
    verdict = verdict_of_p(corrected, comparison.p_against, looks)
    if verdict == "passed":
        return rule.model_copy(update={"test": test})
    reason = _refusal(comparison) if verdict == "refused" else _why_open(comparison, test)
    return rule.model_copy(update={"verdict": verdict, "passed": False, "reason": reason, "test": test})


def _describe(comparison: Comparison, p: float, corrected: float, level: float, family: int) -> GateTest:
    paired, margin = comparison.paired, comparison.margin
    assert paired is not None, "what was not measured has no p-value"
    strictest = level / family
    return GateTest(
        model=comparison.opponent.role,
        metric=comparison.metric,
        method=_method(paired, margin),
        p_value=p,
        p_corrected=corrected,
        level=level,
        low=lower_end(lambda bound: _above(paired, bound), paired.difference, level),
        rows=paired.num_rows,
        num_groups=paired.num_groups,
        **_counts(paired),
        power=None if margin is None else _power(paired, margin, strictest),
        rows_needed=None if margin is None else _rows_needed(paired, margin, strictest),
        smallest=_smallest(paired, strictest) if margin is None else None,
    )


def _method(paired: Paired, margin: float | None) -> str:
    if isinstance(paired, PairedScores):
        return "paired BCa bootstrap"
    return _METHODS[margin is None, paired.num_groups is not None]


def _counts(paired: Paired) -> dict[str, Any]:
    """Return how many rows just one of both has right, and what they are worth in groups; nothing of scores."""
    if isinstance(paired, PairedScores):
        return {}
    effect = None if paired.num_groups is None else paired.design_effect
    return {"only_student": paired.only_ours, "only_other": paired.only_theirs, "design_effect": effect}


def lower_end(p_value: Callable[[float], float], value: float, level: float) -> float:
    """Return the bound whose p-value is `level`: the difference is above it, but for that chance."""
    if p_value(-1.0) >= level:
        return -1.0
    if p_value(value) <= level:
        return value
    return float(optimize.brentq(lambda bound: p_value(bound) - level, -1.0, value, xtol=1e-6))


def _above(paired: Paired, bound: float) -> float:
    if isinstance(paired, PairedShares):
        return shares.above_p_value(paired, bound)
    return scores.above_p_value(paired, bound)


def _power(paired: Paired, margin: float, level: float) -> float:
    """Return the chance of "not worse" with these rows, if both models are equally good and differ on as many."""
    if isinstance(paired, PairedScores):
        # resamples of few units spread less than the mean does
        error = paired.standard_error * (paired.num_units / max(1, paired.num_units - 1)) ** 0.5
        return score_power(error, margin, level, paired.num_units)
    if paired.num_groups is None:
        return not_worse_power(paired.num_rows, paired.differing, margin, level)
    effect, groups = paired.design_effect, paired.num_groups
    return grouped_power(paired.num_rows, paired.differing, margin, level, design_effect=effect, num_groups=groups)


def _rows_needed(paired: Paired, margin: float, level: float) -> int | None:
    if isinstance(paired, PairedShares):
        return rows_for_margin(round(paired.differing, 4), margin, level, round(paired.design_effect, 2))
    # the error falls with the root of the rows
    needed = smallest_difference(paired.standard_error, 1 - 2 * level)
    return None if needed is None else max(1, round(paired.num_rows * (needed / margin) ** 2))


def _smallest(paired: Paired, level: float) -> float | None:
    if isinstance(paired, PairedScores):
        return smallest_difference(paired.standard_error, 1 - 2 * level)
    worth = round(paired.num_rows / paired.design_effect)
    return smallest_share_difference(worth, paired.differing, 1 - 2 * level)


def _evidence(test: GateTest) -> str:
    return f"p {_p(test.p_corrected)}, at most {_p(test.level)}; the difference is above {signed(test.low)}"


def _refusal(comparison: Comparison) -> str:
    what = "not better" if comparison.margin is None else f"worse by more than {comparison.margin:g}"
    return f"shown to be {what}: p {_p(comparison.p_against)}"


def _why_open(comparison: Comparison, test: GateTest) -> str:
    open_ = f"{count(test.rows)} test rows can't tell: p {_p(test.p_corrected)}, not at most {_p(test.level)}"
    if comparison.margin is None:
        shows = f"; they show a gain of {decimal(test.smallest)}" if test.smallest else ""
        return open_ + shows + (" with 80 % power" if shows else "")
    needed = f"about {count(test.rows_needed)}" if test.rows_needed else "more than 100,000"
    return f"{open_}; {needed} rows would, with 80 % power, if both are equally good"


def _p(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.2g}"
