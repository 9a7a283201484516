"""Makes the `label_worth` block of report.json: how many hand labels reach what the teacher's examples gave."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from stillhouse.artifacts.handle import Built
from stillhouse.artifacts.store import Store
from stillhouse.evaluation.alternatives.label_curve import Drawn, LabelCurveSummary, read_curve
from stillhouse.evaluation.clusters import clusters_of
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.label_worth import Draws, Sampled, Size, label_worth
from stillhouse.evaluation.roles import OTHER_LEARNERS, ModelRole
from stillhouse.evaluation.scoring import Scoring, row_scores, statistic
from stillhouse.evaluation.significance import percentile_tail
from stillhouse.metrics.metric import Answers, Indices, Statistic, mean_statistic
from stillhouse.recipe.recipe import Recipe
from stillhouse.skills.registry import METRICS

_LEARNERS = (ModelRole.TFIDF_LOGISTIC_REGRESSION, ModelRole.ENCODER_LOGISTIC_REGRESSION)
# a metric of all rows together is taken anew for each draw: 2,000 resamples would take half a minute
_MOST_RESAMPLES = 200


def label_worth_of(
    store: Store, curve: Built[LabelCurveSummary] | None, evidence: Evidence, recipe: Recipe, student: ModelRole
) -> dict[str, Any] | None:
    """Return the block of the run's `curve`; None if the run has none."""
    if curve is None:
        return None
    return label_worth_block(read_curve(store.fetch(curve.ref)), curve.summary, evidence, recipe, student)


def label_worth_block(
    drawn: Sequence[Drawn],
    summary: LabelCurveSummary,
    evidence: Evidence,
    recipe: Recipe,
    student: ModelRole,
) -> dict[str, Any]:
    """Return the block of `student` and the other learners of its training examples.

    If the labelled rows do not have two labels, it says so and holds no curve.
    """
    block = {
        "labels": summary.labelled,
        "classes": len(summary.classes),
        "lacking": [label for label in evidence.labels if label not in summary.classes],
        "not_measured": summary.not_measured,
        "confidence": recipe.evaluation.confidence,
    }
    learners = [role for role in _LEARNERS if role in evidence.answers]
    if summary.not_measured or not learners:
        return block
    # what the report's models answer after learning all labels is the last point
    everything = [Drawn(role, 0, summary.labelled, 0, evidence.answers[role]) for role in learners]
    scoring = Scoring(evidence.references, evidence.labels, recipe.evaluation, recipe.skill, clusters_of(evidence.rows))
    sizes = curve_sizes([*(one for one in drawn if one.model in learners), *everything], summary, scoring)
    return block | _curve_block(sizes, summary, evidence, scoring, student)


def _curve_block(
    sizes: Sequence[Size], summary: LabelCurveSummary, evidence: Evidence, scoring: Scoring, student: ModelRole
) -> dict[str, Any]:
    """Return the part of the block that the curve gives."""
    settings, taught = scoring.settings, [role for role in (student, *OTHER_LEARNERS) if role in evidence.answers]
    if METRICS[settings.metrics[0]].kind == "corpus":
        settings = settings.model_copy(update={"resamples": min(_MOST_RESAMPLES, settings.resamples)})
    levels: dict[str, Statistic] = {
        role: statistic(settings.metrics[0], evidence.answers[role], scoring) for role in taught
    }
    worth = label_worth(sizes, levels, len(evidence.rows), settings, scoring.clusters)
    tail, best = (
        percentile_tail(settings.confidence, scoring.clusters),
        max(taught, key=lambda role: worth.levels[role].value),
    )
    crossings = {
        field: {"model": role, "quality": worth.levels[role].value}
        | _numbers(worth.crossings[role], sizes, summary, tail)
        for field, role in (("student", student), ("best_taught", best))
    }
    return {
        "best": _points(sizes, worth.best, summary, tail),
        "learners": {name: _points(sizes, one, summary, tail) for name, one in worth.learners.items()},
        **crossings,
    }


def curve_sizes(drawn: Sequence[Drawn], summary: LabelCurveSummary, scoring: Scoring) -> list[Size]:
    """Return the sizes of the curve, by growing number of labels."""
    answers: dict[int, dict[str, list[Answers]]] = defaultdict(lambda: defaultdict(list))
    for one in drawn:
        answers[one.labels][one.model].append(one.answers)
    return [
        Size(labels, summary.rows, {model: _draws(each, scoring) for model, each in by_model.items()})
        for labels, by_model in sorted(answers.items())
    ]


def _draws(answers: Sequence[Answers], scoring: Scoring) -> Draws:
    metric, rows = scoring.settings.metrics[0], np.arange(len(scoring.references))
    scores = [row_scores(metric, each, scoring) for each in answers]
    statistics = [statistic(metric, each, scoring) for each in answers]
    values = [one(rows) for one in statistics]
    if scores[0] is not None:
        return Draws(mean_statistic(np.mean(np.asarray(scores, dtype=np.float64), axis=0).tolist()), values)

    def mean(some: Indices) -> float:
        return float(np.mean([one(some) for one in statistics]))

    return Draws(mean, values)


def _points(
    sizes: Sequence[Size], curve: Sequence[Sampled], summary: LabelCurveSummary, tail: float
) -> list[dict[str, Any]]:
    points = []
    for size, sampled in zip(sizes, curve, strict=True):
        low, high = (min(max(end, 0.0), 1.0) for end in sampled.interval(tail))
        draws = len(next(iter(size.draws.values())).values)
        where = {"labels": size.labels, "labels_a_class": size.labels / len(summary.classes), "draws": draws}
        points.append({**where, "value": sampled.value, "low": low, "high": high})
    return points


def _numbers(crossing: Sampled, sizes: Sequence[Size], summary: LabelCurveSummary, tail: float) -> dict[str, Any]:
    """Return the crossing and its interval, each in the range that was measured."""
    low, high = crossing.interval(tail)
    return {
        name: {
            "labels": (labels := min(max(number, sizes[0].labels), sizes[-1].labels)),
            "labels_a_class": labels / len(summary.classes),
            "beyond": {math.inf: "more", -math.inf: "fewer"}.get(number, ""),
        }
        for name, number in (("value", crossing.value), ("low", low), ("high", high))
    }
