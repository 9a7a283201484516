"""Makes the report's blocks of the student's certainty and of what handing unsure rows back to the teacher gives."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stillhouse.evaluation.cascade import Prices, blend, choose, thresholds
from stillhouse.evaluation.certainty import (
    FEWEST_ROWS,
    certainties,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from stillhouse.evaluation.comparison import gain
from stillhouse.evaluation.evidence import ANSWERS, VALIDATION, Evidence, read_scored
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scored import Scored
from stillhouse.evaluation.scoring import Scoring, interval, row_scores, statistic
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.collect import scoring_of


@dataclass(frozen=True)
class Validation:
    """A student's answers to validation rows, its teacher's, and what counts as right there."""

    scored: Mapping[str, Scored]  # by row id
    truth: Mapping[str, Truth]
    teacher: Mapping[str, Scored]


@dataclass(frozen=True)
class Pair:
    """A student and its teacher among the measured models."""

    student: ModelRole
    blocks: Mapping[ModelRole, Any]
    # the teacher's answers to validation rows; none unless these have labels of their own
    teacher_on_validation: Mapping[str, Scored] = field(default_factory=dict)


def student_certainty(
    recipe: Recipe, evidence: Evidence, pair: Pair, evaluated: Path, truth: Mapping[str, Truth]
) -> tuple[dict[str, Any], str]:
    """Return the blocks `certainty` and `cascade` of a student, None if not measured, and why there is no cascade.

    A student without a teacher beside it has neither.

    Args:
        recipe: the run's.
        evidence: of all models.
        pair: the student and its teacher.
        evaluated: the folder that the student's answers to test and validation rows lie in.
        truth: what counts as right on a validation row, by its id.
    """
    nothing = {"certainty": None, "cascade": None}
    if not {pair.student, ModelRole.TEACHER} <= set(evidence.answers):
        return nothing, "student and teacher were not both measured"
    test = read_scored(evaluated / ANSWERS).get(pair.student, {})
    answers = read_scored(evaluated / VALIDATION).get(pair.student, {})
    validation = Validation(answers, truth, pair.teacher_on_validation)
    if why := _why_unknown(recipe, evidence, test, validation):
        return nothing, why
    certainty, temperature = certainty_block(recipe, evidence, test, validation)
    found = cascade_block(recipe, evidence, pair, test, validation, temperature)
    cascade, why = (None, found) if isinstance(found, str) else (found, "")
    return {"certainty": certainty, "cascade": cascade}, why


def _why_unknown(recipe: Recipe, evidence: Evidence, test: Mapping[str, Scored], validation: Validation) -> str:
    metric = recipe.evaluation.metrics[0]
    if not validation.scored:
        return "the student answered no validation rows (data.validation, or `--refresh evaluate`)"
    if not all(one.is_known for one in (*test.values(), *validation.scored.values())):
        return "the student's engine gave no probabilities"
    if row_scores(metric, evidence.answers[ModelRole.TEACHER], scoring_of(evidence, recipe)) is None:
        return f"{metric} is of all rows together, and says of no single one whether it is right"
    return ""


def certainty_block(
    recipe: Recipe, evidence: Evidence, test: Mapping[str, Scored], validation: Validation
) -> tuple[dict[str, Any], float]:
    """Return the `certainty` block of a student, and its temperature."""
    metric, labels, scoring = recipe.evaluation.metrics[0], evidence.labels, scoring_of(evidence, recipe)
    known = [row_id for row_id in validation.scored if row_id in validation.truth]
    learnt = [validation.scored[row_id] for row_id in known]
    references = [validation.truth[row_id].accepted for row_id in known]
    on_validation = Scoring(references, labels, recipe.evaluation, recipe.skill)
    right = (row_scores(metric, [one.answer for one in learnt], on_validation) or []) if known else []
    temperature = fit_temperature(learnt, right, labels)
    in_order = [test[row["id"]] for row in evidence.rows]
    scores = row_scores(metric, [one.answer for one in in_order], scoring) or []
    before, after = (reliability(certainties(in_order, labels, one), scores) for one in (1.0, temperature))
    return {
        "temperature": temperature,
        "rows": len(known),
        "with_reference": sum(validation.truth[row_id].has_reference for row_id in known),
        "error_before": expected_calibration_error(before),
        "error": expected_calibration_error(after),
        "reliability": [asdict(one) for one in after],
    }, temperature


def cascade_block(
    recipe: Recipe,
    evidence: Evidence,
    pair: Pair,
    test: Mapping[str, Scored],
    validation: Validation,
    temperature: float,
) -> dict[str, Any] | str:
    """Return the `cascade` block, or why no threshold keeps to `evaluation.cascade_max_cost`."""
    scoring, metric = scoring_of(evidence, recipe), recipe.evaluation.metrics[0]
    student, teacher = (evidence.answers[role] for role in (pair.student, ModelRole.TEACHER))
    sure = certainties([test[row["id"]] for row in evidence.rows], evidence.labels, temperature)
    prices, unit = prices_of(pair)
    # of all validation rows, since thresholds are shares of them
    sure_on_validation = certainties(list(validation.scored.values()), evidence.labels, temperature)
    tried, quality = thresholds(sure_on_validation), quality_on_validation(recipe, evidence, validation, temperature)
    chosen = choose(tried, sure_on_validation, prices, recipe.evaluation.cascade_max_cost, quality)
    if chosen is None:
        return (
            f"the student alone costs {prices.of_blend(0.0):.0%} of the teacher, more than "
            f"evaluation.cascade_max_cost ({recipe.evaluation.cascade_max_cost:.0%})"
        )
    latencies = [_mean_ms(evidence, role) for role in (pair.student, ModelRole.TEACHER)]
    all_rows = np.arange(len(evidence.rows))

    def point(threshold: float) -> dict[str, Any]:
        handed_back = float(np.mean(sure < threshold))
        mixed = blend(sure, threshold, student, teacher)
        return {
            "threshold": threshold,
            "handed_back": handed_back,
            "quality": float(statistic(metric, mixed, scoring)(all_rows)),
            "relative_cost": prices.of_blend(handed_back),
            "latency_ms": None if None in latencies else latencies[0] + handed_back * latencies[1],
        }

    mixed = blend(sure, chosen, student, teacher)
    against = {ModelRole.STUDENT: mixed, ModelRole.TEACHER: teacher, ModelRole.BASELINE: student}
    return {
        **point(chosen),
        "quality": asdict(interval(metric, mixed, scoring)),
        "gain_over_teacher": gain(metric, ModelRole.STUDENT, ModelRole.TEACHER, against, scoring),
        "gain_over_student": gain(metric, ModelRole.STUDENT, ModelRole.BASELINE, against, scoring),
        "cost_of": unit,
        "chosen_by": "quality" if quality else "cost",
        "curve": [point(one) for one in tried],
    }


def quality_on_validation(
    recipe: Recipe, evidence: Evidence, validation: Validation, temperature: float
) -> Callable[[float], float] | None:
    """Return the first metric of the blend at a threshold, on the validation rows with a reference that both answered.

    None with fewer than 20 of them, or where the metric says nothing of any.
    """
    metric, labels = recipe.evaluation.metrics[0], evidence.labels
    known = {row_id: one.accepted for row_id, one in validation.truth.items() if one.has_reference}
    both = [row_id for row_id in validation.scored if row_id in known and row_id in validation.teacher]
    if len(both) < FEWEST_ROWS:
        return None
    scoring = Scoring([known[row_id] for row_id in both], labels, recipe.evaluation, recipe.skill)
    student, teacher = ([of[row_id].answer for row_id in both] for of in (validation.scored, validation.teacher))
    sure = certainties([validation.scored[row_id] for row_id in both], labels, temperature)
    all_rows = np.arange(len(both))

    def quality(threshold: float) -> float:
        return float(statistic(metric, blend(sure, threshold, student, teacher), scoring)(all_rows))

    return None if math.isnan(quality(0.0)) else quality


def prices_of(pair: Pair) -> tuple[Prices, Literal["usd", "time", "requests"]]:
    """Return what a request takes of student and teacher, and in what: money if it is known, else time.

    Where the teacher alone has a price, the student counts as free: its machine's time is no money.
    """
    student, teacher = pair.blocks[pair.student], pair.blocks[ModelRole.TEACHER]
    costs = [block["cost_usd_per_1k_requests"] for block in (student, teacher)]
    if costs[1]:
        return Prices(costs[0] or 0.0, costs[1]), "requests" if costs[0] is None else "usd"
    mine, theirs = ((block["latency_ms"] or {}).get("p50") for block in (student, teacher))
    return (Prices(mine, theirs), "time") if mine and theirs else (Prices(0.0, 1.0), "requests")


def _mean_ms(evidence: Evidence, role: ModelRole) -> Any:
    found = evidence.measurements.get(role, {}).get("latencies_ms")
    return float(np.mean(found)) if found else None
