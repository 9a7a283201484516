"""The report's block, table and sentence of a recipe's students."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stillhouse.evaluation.comparison import quality_retained
from stillhouse.evaluation.evidence import VALIDATION, Evidence, read_scored
from stillhouse.evaluation.roles import STUDENTS, ModelRole, best_of
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.build import ratios
from stillhouse.reports.collect import scoring_of
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import count, decimal, interval, percent
from stillhouse.reports.schema.models import Models
from stillhouse.reports.schema.report import Report
from stillhouse.skills.skill import Skill

HEADER = ("student", "kind", "accuracy on validation rows", "of the teacher's quality", "latency", "weights", "memory")


def student_blocks(
    evidence: Evidence, models: Models, recipe: Recipe, known: Mapping[ModelRole, Mapping[str, Any]]
) -> dict[ModelRole, dict[str, Any]]:
    """Return a block for each student by its role, the main one first; `known` has what the models don't say.

    It is empty for a recipe with a single student that writes text: `comparison` says all of it.
    """
    if len(known) < 2 and not recipe.main_student.is_encoder:
        return {}
    metric = recipe.evaluation.metrics[0]
    scoring = scoring_of(evidence, recipe)
    blocks = {}
    for role, own in known.items():
        kept = quality_retained(metric, evidence.answers, scoring, role)
        blocks[role] = {
            **ratios(models, metric, role),
            "quality_retained_low": kept.low if kept else None,
            "quality_retained_high": kept.high if kept else None,
            **own,
        }
    return blocks


def validation_blocks(
    folders: Sequence[Path], truth: Mapping[str, Truth], skill: Skill
) -> dict[ModelRole, dict[str, Any]]:
    """Return `validation_accuracy` and `validation_rows` of each student; None where it did not answer such rows.

    Args:
        folders: of evaluations.
        truth: what counts as right on a validation row, by its id.
        skill: says whether an answer is right; free texts are neither right nor wrong.
    """
    right: dict[ModelRole, list[bool]] = {role: [] for role in STUDENTS}
    for folder in folders if skill.has_labels else ():
        for role, answers in read_scored(folder / VALIDATION).items():
            right[role] += [
                bool(one.answer is not None and skill.verify(one.answer, truth[row_id].accepted))
                for row_id, one in answers.items()
                if row_id in truth
            ]
    return {
        role: {"validation_accuracy": sum(found) / len(found) if found else None, "validation_rows": len(found) or None}
        for role, found in right.items()
    }


def best_by_validation(blocks: Mapping[ModelRole, Mapping[str, Any]]) -> ModelRole | None:
    """Return the student that is most often right on validation rows; None unless it is known of several.

    Test rows have no part in it: the best of several on them would be better there than it is.
    """
    values = {
        role: one["validation_accuracy"] for role, one in blocks.items() if one["validation_accuracy"] is not None
    }
    return best_of(values, STUDENTS) if len(values) > 1 else None


def student_rows(report: Report) -> list[list[str]]:
    """Return a row of text for each student, under `HEADER`; none if there is one that writes text."""
    return [
        [
            one.name + (" (best by validation)" if role == report.comparison.best_student else ""),
            {"causal_lm": "language model", "encoder": "encoder"}[one.kind],
            f"{decimal(one.validation_accuracy)}, n = {count(one.validation_rows)}",
            f"{percent(one.quality_retained)} {interval(one.quality_retained_low, one.quality_retained_high, 2)}",
            *(_less(value) for value in (one.latency_reduction, one.weight_reduction, one.memory_reduction)),
        ]
        for role, one in report.students.items()
    ]


def students_markdown(report: Report) -> str:
    """Return the students as a Markdown table with a sentence that names the best; empty if there is no table."""
    rows = student_rows(report)
    return "\n\n".join(filter(None, [table(HEADER, rows), cell(best_student_text(report))])) if rows else ""


def compared_student(students: Mapping[ModelRole, Mapping[str, Any]]) -> ModelRole:
    """Return the student that report and gate decide about: the best by validation, or the main one."""
    return best_by_validation(students) or ModelRole.STUDENT


def best_student_text(report: Report) -> str:
    """Return which student is the best by validation, and what that choice is worth on the test rows."""
    role = report.comparison.best_student
    if role is None:
        return ""
    best = report.students[role]
    # several that are right on the same number of rows: the first is named, and a reader must know
    equal = [
        one.name
        for other, one in report.students.items()
        if other != role and one.validation_accuracy == best.validation_accuracy
    ]
    return (
        f"Best by validation: {best.name}, right on {decimal(best.validation_accuracy)} of "
        f"{count(best.validation_rows)} rows{_as_good(equal)}. It keeps {percent(best.quality_retained)} of the "
        "teacher's quality on the test rows, which had no part in the choice."
    )


def _as_good(names: list[str]) -> str:
    return f", as {' and '.join(names)} {'are' if len(names) > 1 else 'is'}" if names else ""


def _less(reduction: float | None) -> str:
    return (
        percent(reduction) if reduction is None else f"{percent(abs(reduction))} {'less' if reduction >= 0 else 'more'}"
    )
