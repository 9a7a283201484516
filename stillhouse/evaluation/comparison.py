"""The qualities of each model and the differences between them: pure functions of the answers."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from stillhouse.evaluation.power import smallest_difference, smallest_share_difference
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import Scoring, interval, p_value, row_scores, statistic, unmeasured_metrics
from stillhouse.evaluation.significance import Draws, Interval, bootstrap_draws, percentile_bounds, ratio_interval
from stillhouse.metrics.metric import Answers
from stillhouse.skills.registry import METRICS


def quality(answers: Answers, scoring: Scoring) -> dict[str, dict[str, Any]]:
    """Return {metric: {value, low, high, n}} of one model's answers, but for metrics that need what no row has.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    left_out, rows = unmeasured_metrics(scoring), np.arange(len(scoring.references))
    return {
        # as metrics.score, but that the library it combines them by takes more than a second to load
        name: {**asdict(interval(name, answers, scoring)), "value": float(statistic(name, answers, scoring)(rows))}
        for name in scoring.settings.metrics
        if name not in left_out
    }


def gain(
    metric: str,
    ours: ModelRole,
    theirs: ModelRole,
    answers: Mapping[ModelRole, Answers],
    scoring: Scoring,
    *,
    family_confidence: float | None = None,
) -> dict[str, Any] | None:
    """Return {value, low, high, p_value, smallest} of `metric` of `ours` less that of `theirs`; None without answers.

    `smallest` is the least true difference that so many rows show, see power.py. `family_confidence` adds corrected_low
    and corrected_high, of an interval with that level.
    """
    if ours not in answers or theirs not in answers:
        return None
    mine, other = (statistic(metric, answers[role], scoring) for role in (ours, theirs))
    num_rows, settings, clusters = len(scoring.references), scoring.settings, scoring.clusters
    # paired: both take the same resampled rows
    drawn = bootstrap_draws(lambda rows: mine(rows) - other(rows), num_rows, settings, clusters)
    low, high = percentile_bounds(drawn, settings.confidence, clusters)
    every = np.arange(num_rows)
    found = {
        "value": float(mine(every) - other(every)),
        "low": low,
        "high": high,
        "p_value": p_value(metric, answers[ours], answers[theirs], scoring),
        "smallest": _smallest(metric, answers[ours], answers[theirs], scoring, drawn),
    }
    if family_confidence is not None:
        wide = percentile_bounds(drawn, family_confidence, clusters)
        found |= dict(zip(("corrected_low", "corrected_high"), wide, strict=True))
    return found


def _smallest(metric: str, ours: Answers, theirs: Answers, scoring: Scoring, drawn: Draws) -> float | None:
    """Return the least difference that shows: by the differing rows for a share, else by the spread of `drawn`."""
    confidence = scoring.settings.confidence
    if METRICS[metric].kind != "share" or scoring.clusters is not None:
        return smallest_difference(float(np.nanstd(drawn)), confidence)
    first, second = (np.array(row_scores(metric, answers, scoring), dtype=bool) for answers in (ours, theirs))
    return smallest_share_difference(len(first), float((first != second).mean()), confidence)


def quality_retained(
    metric: str, answers: Mapping[ModelRole, Answers], scoring: Scoring, role: ModelRole
) -> Interval | None:
    """Return a student's `metric` as a fraction of the teacher's; None if one did not answer or the teacher has 0."""
    if role not in answers or ModelRole.TEACHER not in answers:
        return None
    student, teacher = (statistic(metric, answers[one], scoring) for one in (role, ModelRole.TEACHER))
    return ratio_interval(student, teacher, len(scoring.references), scoring.settings, scoring.clusters)
