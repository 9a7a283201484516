"""The report's quality and comparison blocks, out of answers and measured numbers.

Separate because these are pure functions of what was measured: they can be recomputed from a report at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import interval, p_value, statistic
from stillhouse.evaluation.significance import Interval, difference_interval, gain_of, ratio_interval
from stillhouse.metrics.metric import Answers, References
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.skill import Skill

Measured = Mapping[str, Any]


def quality(
    predictions: Answers,
    references: References,
    labels: Sequence[str],
    settings: Evaluation,
    skill: Skill,
) -> dict[str, dict[str, Any]]:
    """Return {metric: {value, low, high, n, method}} of one model's answers.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    # imported here: the metrics' library takes seconds to load, and the rest of this file does without
    from stillhouse.evaluation.metrics import score

    values = score(settings.metrics, predictions, references, labels, skill)
    found: dict[str, dict[str, Any]] = {}
    for name in settings.metrics:
        around = interval(name, predictions, references, labels, settings, skill)
        found[name] = {**asdict(around), "value": values[name]}
    return found


def better_baseline(
    models: Mapping[ModelRole, Measured], candidates: Sequence[ModelRole], metric: str
) -> ModelRole | None:
    """Return the candidate with the best `metric`, the earlier of equals; None where none was measured."""
    measured = [name for name in candidates if _number(models.get(name), "quality", metric, "value") is not None]
    return max(measured, key=lambda name: models[name]["quality"][metric]["value"], default=None)


def compare(
    models: Mapping[ModelRole, Measured],
    predictions: Mapping[ModelRole, Answers],
    references: References,
    labels: Sequence[str],
    baselines: Sequence[ModelRole],
    settings: Evaluation,
    skill: Skill,
) -> dict[str, Any]:
    """Return the report's comparison block; what a missing side leaves open is None, never guessed.

    The primary metric is the first of the recipe. Reductions are fractions of the teacher's number (0.85 = 85 % less).

    Args:
        models: the measured numbers of each model, as in the report; student and teacher are compared.
        predictions: each model's answers to the test rows.
        baselines: the models of which the better is the baseline.
    """
    metric = settings.metrics[0]
    student, teacher = models.get(ModelRole.STUDENT), models.get(ModelRole.TEACHER)
    baseline = better_baseline(models, baselines, metric)
    retained = _retained(metric, predictions, references, labels, settings, skill)
    return {
        "primary_metric": metric,
        "quality_retained": None if retained is None else retained.value,
        "quality_retained_interval": None if retained is None else asdict(retained),
        "baseline": baseline,
        "gain_over_baseline": gain(
            metric, ModelRole.STUDENT, baseline, predictions, references, labels, settings, skill
        ),
        "latency_reduction": _reduction(student, teacher, "latency_ms", "p50"),
        "memory_reduction": _reduction(student, teacher, "peak_memory_bytes"),
        "weight_reduction": _reduction(student, teacher, "weight_bytes"),
        "throughput_ratio": _ratio(student, teacher, "requests_per_second"),
        "cost_reduction": _reduction(student, teacher, "cost_usd_per_1k_requests"),
    }


def gain(
    metric: str,
    ours: ModelRole,
    theirs: ModelRole | None,
    predictions: Mapping[ModelRole, Answers],
    references: References,
    labels: Sequence[str],
    settings: Evaluation,
    skill: Skill,
) -> dict[str, Any] | None:
    """Return {value, low, high, p_value, n, method} of `metric` of model `ours` less that of `theirs`, or None."""
    if theirs is None or ours not in predictions or theirs not in predictions:
        return None
    difference = difference_interval(
        statistic(metric, predictions[ours], references, labels, skill),
        statistic(metric, predictions[theirs], references, labels, skill),
        len(references),
        settings.confidence,
        settings.resamples,
        settings.seed,
    )
    found = p_value(metric, predictions[ours], predictions[theirs], references, labels, settings, skill)
    return asdict(gain_of(difference, *found))


def _retained(
    metric: str,
    predictions: Mapping[ModelRole, Answers],
    references: References,
    labels: Sequence[str],
    settings: Evaluation,
    skill: Skill,
) -> Interval | None:
    if ModelRole.STUDENT not in predictions or ModelRole.TEACHER not in predictions:
        return None
    return ratio_interval(
        statistic(metric, predictions[ModelRole.STUDENT], references, labels, skill),
        statistic(metric, predictions[ModelRole.TEACHER], references, labels, skill),
        len(references),
        settings.confidence,
        settings.resamples,
        settings.seed,
    )


def _number(model: Measured | None, *path: str) -> float | None:
    """Return the number at `path` of a measured dict, or None where any part of it is missing."""
    found: Any = model
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


def _ratio(student: Measured | None, teacher: Measured | None, *path: str) -> float | None:
    ours, theirs = _number(student, *path), _number(teacher, *path)
    return None if ours is None or not theirs else ours / theirs


def _reduction(student: Measured | None, teacher: Measured | None, *path: str) -> float | None:
    ratio = _ratio(student, teacher, *path)
    return None if ratio is None else 1 - ratio
