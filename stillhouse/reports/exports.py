"""Makes the `exports` block of report.json."""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.evaluation.agreement import agreement_block
from stillhouse.evaluation.comparison import gain
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.exports.verdict import reasons_against
from stillhouse.metrics.metric import Answers
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.collect import model_blocks, scoring_of

_MEASURED = ("engine", "quality", "latency_ms", "requests_per_second", "tokens_per_second", "peak_memory_bytes")


def export_measures(
    evidence: Evidence, student: Answers, role: ModelRole, problems: Sequence[str], recipe: Recipe
) -> dict[str, Any]:
    """Return an export's measures, its verdict and the reasons.

    Args:
        evidence: of the export alone, under the role of its student; without answers its engine refused it.
        student: the answers of the student itself to the same rows.
        role: the student's.
        problems: what is wrong with the export apart from its answers.
        recipe: the run's.
    """
    answers = evidence.answers.get(role)
    if answers is None:
        numbers = evidence.measurements.get(role, {})
        reasons = reasons_against(problems, None, None, recipe.gate.exports)
        return {"engine": numbers.get("engine"), "verdict": "refused", "reasons": reasons}
    scoring, metric = scoring_of(evidence, recipe), recipe.evaluation.metrics[0]
    block = model_blocks(evidence, {}, recipe)[role]
    same = agreement_block(answers, student, scoring)["same"]
    # the two roles stand for the export and its student here alone
    both: Mapping[ModelRole, Answers] = {ModelRole.STUDENT: answers, ModelRole.BASELINE: student}
    difference = gain(metric, ModelRole.STUDENT, ModelRole.BASELINE, both, scoring)
    agreed = same["value"] if recipe.skill.has_labels else None
    loss = None if difference is None else -difference["value"]
    reasons = reasons_against(problems, agreed, loss, recipe.gate.exports)
    return {
        **{name: block[name] for name in _MEASURED},
        "agreement": same,
        "gain_over_student": difference,
        "verdict": "refused" if reasons else "passed",
        "reasons": reasons,
    }
