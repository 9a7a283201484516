"""Makes the `comparison` block of report.json: one student against each other model on the same test rows."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from stillhouse.evaluation.clusters import count_clusters
from stillhouse.evaluation.comparison import gain, quality_retained
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.family import holm, simultaneous_confidence
from stillhouse.evaluation.latency import reduction_interval
from stillhouse.evaluation.roles import ALTERNATIVES, BASELINES, STUDENTS, WITHOUT_TEACHER, ModelRole, best_of
from stillhouse.evaluation.scoring import Scoring, statistic, unmeasured_metrics
from stillhouse.metrics.metric import Answers
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.collect import scoring_of


def comparison_block(
    evidence: Evidence, blocks: Mapping[ModelRole, Any], recipe: Recipe, student: ModelRole
) -> tuple[dict[str, Any], ModelRole | None]:
    """Return the `comparison` block of `student` but for the ratios that the models give, and the better baseline.

    The student must not have been chosen by its answers to these test rows: no p-value is corrected for such a choice.
    """
    scoring = scoring_of(evidence, recipe)
    metric = recipe.evaluation.metrics[0]
    values = {role: block["quality"][metric]["value"] for role, block in blocks.items()}
    gains = _gains(metric, evidence, scoring, student)
    which, strongest = best_of(values, BASELINES), best_of(values, WITHOUT_TEACHER)
    retained = quality_retained(metric, evidence.answers, scoring, student)
    return {
        "primary_metric": metric,
        "student": student,
        "gain_over_baseline": gains.get(which) if which else None,
        "quality_retained_low": retained.low if retained else None,
        "quality_retained_high": retained.high if retained else None,
        **_latency_bounds(evidence, scoring, student),
        "gain_over": gains,
        "strongest_alternative": strongest,
        "gain_over_strongest": gains.get(strongest) if strongest else None,
        "commonest_label": _commonest_label(metric, evidence, scoring, student),
        "not_measured": unmeasured_metrics(scoring),
        "num_clusters": None if scoring.clusters is None else count_clusters(scoring.clusters),
        "confidence": recipe.evaluation.confidence,
    }, which


def _gains(metric: str, evidence: Evidence, scoring: Scoring, student: ModelRole) -> dict[ModelRole, dict[str, Any]]:
    """Return the student's gain over each other model; those over the alternatives are corrected as one family."""
    family = [role for role in ALTERNATIVES if role in evidence.answers]
    level = simultaneous_confidence(scoring.settings.confidence, len(family))
    gains = {}
    others = [role for role in STUDENTS if role != student]
    single = (ModelRole.TEACHER, ModelRole.TEACHER_WITH_OPINION, ModelRole.CHAMPION)
    for other in (*BASELINES, *ALTERNATIVES, *single, *others):
        wide = level if other in family else None
        found = gain(metric, student, other, evidence.answers, scoring, family_confidence=wide)
        if found:
            gains[other] = found
    tested = [role for role in family if role in gains]
    for role, p in zip(tested, holm([gains[role]["p_value"] for role in tested]), strict=True):
        gains[role]["p_corrected"] = p
    return gains


def _commonest_label(metric: str, evidence: Evidence, scoring: Scoring, student: ModelRole) -> dict[str, Any] | None:
    """Return what the commonest label of the test rows reaches if it is given for every row; None without labels.

    No other single answer is right more often, nor has a better macro F1: both rise with the label's share.
    """
    if not evidence.labels:
        return None
    ((label, _),) = Counter(accepted[0] for accepted in evidence.references).most_common(1)
    same: Answers = [label] * len(evidence.rows)
    value = statistic(metric, same, scoring)(np.arange(len(same)))
    # a model that knows nothing; the name stands for it here alone
    answers: dict[ModelRole, Answers] = {student: evidence.answers[student], ModelRole.BASELINE: same}
    found = gain(metric, student, ModelRole.BASELINE, answers, scoring)
    return {"label": label, "quality": float(value), "gain_over": found}


def _latency_bounds(evidence: Evidence, scoring: Scoring, student: ModelRole) -> dict[str, float | None]:
    """Return the interval of latency_reduction; null without the single times of both models."""
    mine, teachers = (evidence.measurements.get(role, {}) for role in (student, ModelRole.TEACHER))
    ours, theirs = (numbers.get("latencies_ms") or [] for numbers in (mine, teachers))
    # models of one engine answer the same rows in turn
    are_paired = mine.get("engine") == teachers.get("engine") and len(ours) == len(theirs)
    found = reduction_interval(ours, theirs, scoring.settings, are_paired=are_paired)
    return {
        "latency_reduction_low": found.low if found else None,
        "latency_reduction_high": found.high if found else None,
    }
