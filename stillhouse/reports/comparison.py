"""Makes the `comparison` block of report.json: the student against each other model on the same test rows."""

from collections.abc import Mapping
from typing import Any

from stillhouse.evaluation.clusters import count_clusters
from stillhouse.evaluation.comparison import best_of, gain, quality_retained
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.family import holm, simultaneous_confidence
from stillhouse.evaluation.roles import ALTERNATIVES, BASELINES, WITHOUT_TEACHER, ModelRole
from stillhouse.evaluation.scoring import Scoring, unmeasured_metrics
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.collect import scoring_of


def comparison_block(
    evidence: Evidence, blocks: Mapping[ModelRole, Any], recipe: Recipe
) -> tuple[dict[str, Any], ModelRole | None]:
    """Return the `comparison` block but for the ratios that the models give, and the better baseline."""
    scoring = scoring_of(evidence, recipe)
    metric = recipe.evaluation.metrics[0]
    values = {role: block["quality"][metric]["value"] for role, block in blocks.items()}
    gains = _gains(metric, evidence, scoring)
    which, strongest = best_of(values, BASELINES), best_of(values, WITHOUT_TEACHER)
    retained = quality_retained(metric, evidence.answers, scoring)
    return {
        "primary_metric": metric,
        "gain_over_baseline": gains.get(which) if which else None,
        "quality_retained_low": retained.low if retained else None,
        "quality_retained_high": retained.high if retained else None,
        "gain_over": gains,
        "strongest_alternative": strongest,
        "gain_over_strongest": gains.get(strongest) if strongest else None,
        "not_measured": unmeasured_metrics(scoring),
        "num_clusters": None if scoring.clusters is None else count_clusters(scoring.clusters),
        "confidence": recipe.evaluation.confidence,
    }, which


def _gains(metric: str, evidence: Evidence, scoring: Scoring) -> dict[ModelRole, dict[str, Any]]:
    """Return the student's gain over each other model; those over the alternatives are corrected as one family."""
    others = (*BASELINES, *ALTERNATIVES, ModelRole.TEACHER)
    found = {other: gain(metric, ModelRole.STUDENT, other, evidence.answers, scoring) for other in others}
    gains = {other: one for other, one in found.items() if one}
    family = [role for role in ALTERNATIVES if role in gains]
    corrected = holm([gains[role]["p_value"] for role in family])
    level = simultaneous_confidence(scoring.settings.confidence, len(family))
    for role, p in zip(family, corrected, strict=True):
        wide = gain(metric, ModelRole.STUDENT, role, evidence.answers, scoring, confidence=level)
        assert wide is not None, "both have answered"
        gains[role] |= {"p_corrected": p, "corrected_low": wide["low"], "corrected_high": wide["high"]}
    return gains
