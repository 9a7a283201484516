"""The spread between training seeds, beside the intervals, which are of test rows alone."""

import json
from typing import Any

import numpy as np

from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.evaluation.scoring import Scoring, statistic
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.reports.numbers import decimal, interval, metric_name
from stillhouse.reports.schema.report import Report


def seed_spreads(evidence: Evidence, scoring: Scoring, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the report's `seeds`: each set of students that differ in their training seed alone."""
    sets: dict[str, list[tuple[ModelRole, int]]] = {}
    for role, student in zip(STUDENTS, recipe.all_students, strict=False):
        if role in evidence.answers:
            sets.setdefault(_all_but_seed(recipe, student), []).append((role, recipe.training_of(student).seed))
    return [_spread(members, evidence, scoring) for members in sets.values() if len({seed for _, seed in members}) > 1]


def seeds_text(report: Report) -> str:
    """Return what the seeds reach and how far apart, beside the interval of one; empty if there is one seed."""
    return " ".join(_sentence(report, number) for number in range(len(report.seeds)))


def _sentence(report: Report, number: int) -> str:
    one = report.seeds[number]
    model = getattr(report.models, one.students[0])
    estimate = model.quality.get(one.metric) if model else None
    sampled = f", beside {interval(estimate.low, estimate.high)} for the test rows of one" if estimate else ""
    return (
        f"Trained with seeds {', '.join(map(str, one.seeds))}, the same student reaches {metric_name(one.metric)} "
        f"{decimal(one.lowest)} to {decimal(one.highest)}: mean {decimal(one.mean)}, standard deviation "
        f"{decimal(one.standard_deviation)}{sampled}."
    )


def _spread(members: list[tuple[ModelRole, int]], evidence: Evidence, scoring: Scoring) -> dict[str, Any]:
    metric, rows = scoring.settings.metrics[0], np.arange(len(scoring.references))
    values = [float(statistic(metric, evidence.answers[role], scoring)(rows)) for role, _ in members]
    return {
        "students": [role for role, _ in members],
        "seeds": [seed for _, seed in members],
        "metric": metric,
        "values": values,
        "lowest": min(values),
        "highest": max(values),
        "mean": float(np.mean(values)),
        "standard_deviation": float(np.std(values, ddof=1)),
    }


def _all_but_seed(recipe: Recipe, student: Student) -> str:
    """Return all that decides a student but its training seed, as text."""
    own = student.model_dump(mode="json", exclude={"name", "licence", "training"})
    training = recipe.training_of(student).model_dump(mode="json", exclude={"seed", "execution"})
    return json.dumps([own, training], sort_keys=True)
