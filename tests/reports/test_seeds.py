"""The spread between training seeds of one student."""

import math
from typing import Any

import pytest

from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.html import render_html
from stillhouse.reports.seeds import seeds_text
from stillhouse.reports.slices import closer_look
from stillhouse.reports.tables import summary_markdown
from tests.support.builders import make_recipe_fields

SEEDS = [
    {"model": "owner/student", "name": "zero"},
    {"model": "owner/student", "name": "one", "training": {"seed": 1}},
    {"model": "owner/student", "name": "other", "layers": 2, "training": {"seed": 2}},
    {"model": "owner/student", "name": "two", "training": {"seed": 2}},
]


def closer(students: list[dict[str, Any]], right: list[int]) -> dict[str, Any]:
    """The blocks of 20 rows, of which the students are right on so many."""
    fields = make_recipe_fields(evaluation={"metrics": ["accuracy"], "resamples": 100}) | {"students": students}
    del fields["student"]
    rows = [{"id": str(at), "references": ["a"], "messages": [], "meta": "{}"} for at in range(20)]
    answers = {role: ["a"] * n + ["b"] * (20 - n) for role, n in zip(STUDENTS, right, strict=False)}
    evidence = Evidence(rows, ("a", "b"), {**answers, ModelRole.TEACHER: ["a"] * 20}, {})
    return closer_look(evidence, parse_recipe(fields), ModelRole.STUDENT)


def test_seed_spread_is_of_students_that_differ_in_their_seed_alone() -> None:
    (found,) = closer(SEEDS, [12, 16, 3, 17])["seeds"]
    assert (found["students"], found["seeds"]) == (["student", "student_2", "student_4"], [0, 1, 2])
    assert found["values"] == pytest.approx([0.6, 0.8, 0.85])
    assert (found["lowest"], found["highest"], found["mean"]) == pytest.approx((0.6, 0.85, 0.75))
    # deviations -0.15, 0.05, 0.1: squares sum to 0.035
    assert found["standard_deviation"] == pytest.approx(math.sqrt(0.035 / 2))


def test_seed_spread_of_one_seed_is_none() -> None:
    assert closer(SEEDS[:1], [12])["seeds"] == []
    assert closer([SEEDS[0], SEEDS[2]], [12, 3])["seeds"] == []


def test_report_says_what_other_seeds_reach(plain_blocks: dict[str, Any]) -> None:
    report = build_report(**{**plain_blocks, **closer(SEEDS, [12, 16, 3, 17])})
    said = seeds_text(report).replace("\u00a0", " ")
    assert said == (
        "Trained with seeds 0, 1, 2, the same student reaches accuracy 0.600 to 0.850: mean 0.750, standard deviation "
        "0.132, beside [0.889, 0.943] for the test rows of one."
    )
    assert all("the same student reaches accuracy" in page for page in (render_html(report), summary_markdown(report)))
