"""The report's block, table and sentence of a recipe's students."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stillhouse.evaluation.comparison import quality_retained
from stillhouse.evaluation.evidence import VALIDATION, Evidence, read_scored
from stillhouse.evaluation.roles import STUDENTS, ModelRole, best_of
from stillhouse.evaluation.scoring import Scoring, statistic
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.build import ratios
from stillhouse.reports.collect import scoring_of
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import count, decimal, interval, metric_name, percent
from stillhouse.reports.schema.models import Models
from stillhouse.reports.schema.report import Report
from stillhouse.skills.registry import METRICS

HEADER = ("student", "kind", "on validation rows", "of the teacher's quality", "latency", "weights", "memory")


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
    folders: Sequence[Path], truth: Mapping[str, Truth], recipe: Recipe, labels: Sequence[str]
) -> dict[ModelRole, dict[str, Any]]:
    """Return each student's `validation_accuracy`, or for free answers `validation_quality` by the first metric, and
    `validation_rows`; None where it answered no such rows.

    Args:
        folders: of evaluations.
        truth: what counts as right on a validation row, by its id. A free answer is measured by references alone: to be
            unlike what the teacher wrote is not wrong.
        recipe: the run's.
        labels: the skill's; empty for free answers.
    """
    known = {row_id: one for row_id, one in truth.items() if recipe.skill.has_labels or one.has_reference}
    answered: dict[ModelRole, list[tuple[str | None, list[str]]]] = {role: [] for role in STUDENTS}
    for folder in folders:
        for role, answers in read_scored(folder / VALIDATION).items():
            if role in answered:
                answered[role] += [(one.answer, known[name].accepted) for name, one in answers.items() if name in known]
    return {role: _on_validation(found, recipe, labels) for role, found in answered.items()}


def _on_validation(found: list[tuple[str | None, list[str]]], recipe: Recipe, labels: Sequence[str]) -> dict[str, Any]:
    block = {"validation_accuracy": None, "validation_quality": None, "validation_rows": len(found) or None}
    if not found:
        return block
    if recipe.skill.has_labels:
        right = [bool(answer is not None and recipe.skill.verify(answer, accepted)) for answer, accepted in found]
        return block | {"validation_accuracy": sum(right) / len(right)}
    answers, references = [answer for answer, _ in found], [accepted for _, accepted in found]
    metric = recipe.evaluation.metrics[0]
    if not METRICS[metric].is_measured(references, recipe.skill):
        return block
    value = statistic(metric, answers, Scoring(references, labels, recipe.evaluation, recipe.skill))
    quality = value(np.arange(len(found)))
    return block | {"validation_quality": None if math.isnan(quality) else quality}


def best_by_validation(blocks: Mapping[ModelRole, Mapping[str, Any]]) -> ModelRole | None:
    """Return the student that is best on validation rows; None unless it is known of several.

    Test rows have no part in it: the best of several on them would be better there than it is.
    """
    scores = {role: _score(one["validation_accuracy"], one["validation_quality"]) for role, one in blocks.items()}
    values = {role: score for role, score in scores.items() if score is not None}
    return best_of(values, STUDENTS) if len(values) > 1 else None


def _score(accuracy: float | None, quality: float | None) -> float | None:
    return quality if accuracy is None else accuracy


def student_rows(report: Report) -> list[list[str]]:
    """Return a row of text for each student, under `HEADER`; none if there is one that writes text."""
    return [
        [
            one.name + (" (best by validation)" if role == report.comparison.best_student else ""),
            {"causal_lm": "language model", "encoder": "encoder"}[one.kind],
            f"{_of_validation(report)} {decimal(_score(one.validation_accuracy, one.validation_quality))}, "
            f"n = {count(one.validation_rows)}",
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
        if other != role
        and (one.validation_accuracy, one.validation_quality) == (best.validation_accuracy, best.validation_quality)
    ]
    how = (
        f"{_of_validation(report)} {decimal(best.validation_quality)} on"
        if best.validation_accuracy is None
        else f"right on {decimal(best.validation_accuracy)} of"
    )
    return (
        f"Best by validation: {best.name}, {how} {count(best.validation_rows)} rows{_as_good(equal)}. "
        f"It keeps {percent(best.quality_retained)} of the teacher's quality on the test rows, which had no part in "
        "the choice."
    )


def _of_validation(report: Report) -> str:
    is_accuracy = any(one.validation_accuracy is not None for one in report.students.values())
    return "accuracy" if is_accuracy else metric_name(report.comparison.primary_metric)


def _as_good(names: list[str]) -> str:
    return f", as {' and '.join(names)} {'are' if len(names) > 1 else 'is'}" if names else ""


def _less(reduction: float | None) -> str:
    return (
        percent(reduction) if reduction is None else f"{percent(abs(reduction))} {'less' if reduction >= 0 else 'more'}"
    )
