"""The qualities of each model and the differences between them: pure functions of the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import Scoring, interval, p_value, statistic, unmeasured_metrics
from stillhouse.evaluation.significance import Interval, bootstrap_interval, ratio_interval
from stillhouse.metrics.metric import Answers


def quality(answers: Answers, scoring: Scoring) -> dict[str, dict[str, Any]]:
    """Return {metric: {value, low, high, n}} of one model's answers, but for metrics that need what no row has.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    # imported here: the metrics' library takes seconds to load, and the rest of this file does without
    from stillhouse.evaluation.metrics import score

    left_out = unmeasured_metrics(scoring)
    metrics = [name for name in scoring.settings.metrics if name not in left_out]
    values = score(metrics, answers, scoring.references, scoring.labels, scoring.skill)
    return {name: {**asdict(interval(name, answers, scoring)), "value": values[name]} for name in metrics}


def best_of(values: Mapping[ModelRole, float], candidates: Sequence[ModelRole]) -> ModelRole | None:
    """Return the candidate with the greatest value, of equals the first; None if none was measured."""
    measured = [role for role in candidates if role in values]
    return max(measured, key=lambda role: values[role], default=None)


def gain(
    metric: str,
    ours: ModelRole,
    theirs: ModelRole,
    answers: Mapping[ModelRole, Answers],
    scoring: Scoring,
    *,
    confidence: float | None = None,
) -> dict[str, Any] | None:
    """Return {value, low, high, p_value} of `metric` of `ours` less that of `theirs`; None if one did not answer.

    `confidence` is of the interval; None takes the recipe's.
    """
    if ours not in answers or theirs not in answers:
        return None
    mine, other = (statistic(metric, answers[role], scoring) for role in (ours, theirs))
    # paired: both take the same resampled rows
    settings = scoring.settings.model_copy(update={"confidence": confidence or scoring.settings.confidence})
    found = bootstrap_interval(
        lambda rows: mine(rows) - other(rows), len(scoring.references), settings, scoring.clusters
    )
    p = p_value(metric, answers[ours], answers[theirs], scoring)
    return {"value": found.value, "low": found.low, "high": found.high, "p_value": p}


def quality_retained(metric: str, answers: Mapping[ModelRole, Answers], scoring: Scoring) -> Interval | None:
    """Return the student's `metric` as a fraction of the teacher's; None if one did not answer or the teacher has 0."""
    if ModelRole.STUDENT not in answers or ModelRole.TEACHER not in answers:
        return None
    student, teacher = (statistic(metric, answers[role], scoring) for role in (ModelRole.STUDENT, ModelRole.TEACHER))
    return ratio_interval(student, teacher, len(scoring.references), scoring.settings, scoring.clusters)
