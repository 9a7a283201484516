"""Rules about one number: a bound, ceilings, contamination, the number of test rows."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scipy import stats

from stillhouse.gate.numbers import Named, look_up
from stillhouse.recipe.gate import Ceilings, Rule
from stillhouse.reports.numbers import NOT_MEASURED
from stillhouse.reports.schema.gate import GateRule, Looks, Verdict

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_BYTES_A_MB = 1e6


def plain_rule(text: str, value: float | None, bound: float, verdict: Verdict, reason: str) -> GateRule:
    """Return a decided rule."""
    return GateRule(rule=text, value=value, bound=bound, passed=verdict == "passed", verdict=verdict, reason=reason)


def decide_number(report: Mapping[str, Any], rule: Rule, looks: Looks) -> GateRule:
    """Return the decision of a rule with `metric`.

    Raises:
        RecipeError: it names no number of the report.
    """
    assert rule.metric is not None, "the rule is of another kind"
    assert rule.bound is not None, "a rule without its bound is refused"
    text, named = f"{rule.metric} {rule.op} {rule.bound:g}", look_up(report, rule.metric)
    if named.number is None:
        return plain_rule(text, None, rule.bound, "undecidable", NOT_MEASURED)
    holds = _OPERATORS[rule.op](named.number, rule.bound)
    is_strict_end = named.is_end and named.is_low == (rule.op in (">", ">="))
    if not is_strict_end:
        return plain_rule(text, named.number, rule.bound, "passed" if holds else "refused", "")
    groups = (report.get("comparison") or {}).get("num_clusters")
    verdict, reason = _by_interval(named, rule, looks, groups, holds=holds)
    return plain_rule(text, named.number, rule.bound, verdict, reason)


def _by_interval(named: Named, rule: Rule, looks: Looks, num_groups: int | None, *, holds: bool) -> tuple[Verdict, str]:
    """Return the verdict of a rule on the end of an interval that is the harder to hold, and why.

    It passes if the end holds and, from the second look on, the bound lies beyond that look's end too.
    """
    assert rule.bound is not None, "a rule without its bound is refused"
    assert named.other is not None, "only ends of intervals come here"
    if not holds:
        if _OPERATORS[rule.op](named.other, rule.bound):
            return "undecidable", f"the interval from {named.number:.4g} to {named.other:.4g} holds the bound"
        return "refused", "the whole interval is on the wrong side"
    made_with, needed = (_quantile(level, num_groups) for level in (looks.alpha / 2, looks.level))
    if looks.look > 1 and named.deviations(rule.bound, made_with) < needed:
        return "undecidable", f"the interval that look {looks.look} at this test set has to take holds the bound"
    return "passed", ""


def _quantile(level: float, num_groups: int | None) -> float:
    """Return the upper quantile of an interval's end: the normal one, over groups Student's t, as the intervals'."""
    return float(stats.norm.isf(level) if num_groups is None else stats.t.isf(level, num_groups - 1))


def decide_ceilings(student: Mapping[str, Any], ceilings: Ceilings) -> Iterator[GateRule]:
    """Yield the decision of each ceiling on what the compared student takes."""
    # what it is called, the bound, where the student has it, and how many of its units are one of the bound's
    asked = (
        ("latency_p50_ms", ceilings.latency_p50_ms, "latency_ms.p50", 1.0),
        ("latency_p95_ms", ceilings.latency_p95_ms, "latency_ms.p95", 1.0),
        ("weights_mb", ceilings.weights_mb, "weight_bytes", _BYTES_A_MB),
        ("memory_mb", ceilings.memory_mb, "peak_memory_bytes", _BYTES_A_MB),
        ("cost_usd_per_1k_requests", ceilings.cost_usd_per_1k_requests, "cost_usd_per_1k_requests", 1.0),
    )
    for name, bound, path, unit in asked:
        if bound is None:
            continue
        measured, text = look_up(student, path).number, f"{name} <= {bound:g}"
        if measured is None:
            yield plain_rule(text, None, bound, "undecidable", NOT_MEASURED)
        else:
            yield plain_rule(text, measured / unit, bound, "passed" if measured / unit <= bound else "refused", "")


def decide_contamination(report: Mapping[str, Any]) -> GateRule:
    """Return whether no test row is left that repeats a training row, as far as was looked."""
    text, data = "contamination_free", report.get("data") or {}
    settings = report["recipe"]["data"]
    off = [name for name in ("test_similarity", "test_run_words") if settings.get(name) is None]
    left = data.get("near_test")
    if left:
        return plain_rule(text, left, 0, "refused", f"{left} test rows are near a training row")
    if off or left is None:
        why = f"data.{off[0]} is off, so it was not looked for" if off else NOT_MEASURED
        return plain_rule(text, left, 0, "undecidable", why)
    return plain_rule(text, left, 0, "passed", "")


def decide_rows(report: Mapping[str, Any], least: int) -> GateRule:
    """Return whether there are at least so many test rows."""
    text, rows = f"min_test_rows >= {least}", (report.get("data") or {}).get("test")
    if rows is None:
        return plain_rule(text, None, least, "undecidable", NOT_MEASURED)
    reason = "" if rows >= least else f"{rows} test rows can't tell what the recipe wants to know"
    return plain_rule(text, rows, least, "passed" if rows >= least else "undecidable", reason)
