"""The report's quality and comparison blocks: pure functions of answers and measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import Scoring, interval, p_value, statistic
from stillhouse.evaluation.significance import Interval, difference_interval, gain_of, ratio_interval
from stillhouse.metrics.metric import Answers

ModelBlock = Mapping[str, Any]  # a model as in the report


def quality(answers: Answers, scoring: Scoring) -> dict[str, dict[str, Any]]:
    """Return {metric: {value, low, high, n, method}} of one model's answers.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    # imported here: the metrics' library takes seconds to load, and the rest of this file does without
    from stillhouse.evaluation.metrics import score

    metrics = scoring.settings.metrics
    values = score(metrics, answers, scoring.references, scoring.labels, scoring.skill)
    return {name: {**asdict(interval(name, answers, scoring)), "value": values[name]} for name in metrics}


def better_baseline(
    models: Mapping[ModelRole, ModelBlock], candidates: Sequence[ModelRole], metric: str
) -> ModelRole | None:
    """Return the candidate with the best `metric`, of equals the first; None if none was measured."""
    measured = [role for role in candidates if _number(models.get(role), "quality", metric, "value") is not None]
    return max(measured, key=lambda role: models[role]["quality"][metric]["value"], default=None)


def compare(
    models: Mapping[ModelRole, ModelBlock],
    answers: Mapping[ModelRole, Answers],
    baselines: Sequence[ModelRole],
    scoring: Scoring,
) -> dict[str, Any]:
    """Return the report's comparison block; a number that needs a missing model is None.

    The primary metric is the first of the recipe. Reductions are fractions of the teacher's number (0.85 = 85 % less).

    Args:
        models: the measured numbers of each model, as in the report; student and teacher are compared.
        answers: each model's answers to the test rows.
        baselines: the models of which the better is the baseline.
    """
    metric = scoring.settings.metrics[0]
    student, teacher = models.get(ModelRole.STUDENT), models.get(ModelRole.TEACHER)
    baseline = better_baseline(models, baselines, metric)
    retained = _retained(metric, answers, scoring)
    return {
        "primary_metric": metric,
        "quality_retained": None if retained is None else retained.value,
        "quality_retained_interval": None if retained is None else asdict(retained),
        "baseline": baseline,
        "gain_over_baseline": gain(metric, ModelRole.STUDENT, baseline, answers, scoring),
        "latency_reduction": _reduction(student, teacher, "latency_ms", "p50"),
        "memory_reduction": _reduction(student, teacher, "peak_memory_bytes"),
        "weight_reduction": _reduction(student, teacher, "weight_bytes"),
        "throughput_ratio": _ratio(student, teacher, "requests_per_second"),
        "cost_reduction": _reduction(student, teacher, "cost_usd_per_1k_requests"),
    }


def gain(
    metric: str, ours: ModelRole, theirs: ModelRole | None, answers: Mapping[ModelRole, Answers], scoring: Scoring
) -> dict[str, Any] | None:
    """Return {value, low, high, p_value, n, method} of `metric` of model `ours` less that of `theirs`, or None."""
    if theirs is None or ours not in answers or theirs not in answers:
        return None
    difference = difference_interval(
        statistic(metric, answers[ours], scoring),
        statistic(metric, answers[theirs], scoring),
        len(scoring.references),
        scoring.settings.confidence,
        scoring.settings.resamples,
        scoring.settings.seed,
    )
    return asdict(gain_of(difference, *p_value(metric, answers[ours], answers[theirs], scoring)))


def _retained(metric: str, answers: Mapping[ModelRole, Answers], scoring: Scoring) -> Interval | None:
    if ModelRole.STUDENT not in answers or ModelRole.TEACHER not in answers:
        return None
    return ratio_interval(
        statistic(metric, answers[ModelRole.STUDENT], scoring),
        statistic(metric, answers[ModelRole.TEACHER], scoring),
        len(scoring.references),
        scoring.settings.confidence,
        scoring.settings.resamples,
        scoring.settings.seed,
    )


def _number(model: ModelBlock | None, *path: str) -> float | None:
    """Return the number at `path` of a model's block, or None if any key of it is missing."""
    value: Any = model
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


def _ratio(student: ModelBlock | None, teacher: ModelBlock | None, *path: str) -> float | None:
    ours, theirs = _number(student, *path), _number(teacher, *path)
    return None if ours is None or not theirs else ours / theirs


def _reduction(student: ModelBlock | None, teacher: ModelBlock | None, *path: str) -> float | None:
    ratio = _ratio(student, teacher, *path)
    return None if ratio is None else 1 - ratio
