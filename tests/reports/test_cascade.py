"""The report's blocks of certainty and cascade, from the files of a run."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillhouse.evaluation.certainty import Scored
from stillhouse.evaluation.evidence import ANSWERS, VALIDATION, Evidence, write_answers
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.validation_truth import validation_truth
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.cascade import Pair, prices_of, student_certainty
from stillhouse.reports.cascade_text import cascade_text, certainty_text
from stillhouse.reports.html import render_html
from tests.support.builders import make_recipe_fields, make_row

ROWS = 100
LABELS = ("a", "b")


class Case:
    """100 test rows and as many validation rows. On the 20 of which it is unsure the student is wrong."""

    def __init__(
        self,
        folder: Path,
        *,
        role: ModelRole = ModelRole.STUDENT,
        is_scored: bool = True,
        validation: bool = True,
        **evaluation: Any,
    ) -> None:
        self.role = role
        self.recipe = parse_recipe(
            make_recipe_fields(evaluation={"metrics": ["accuracy"], "cascade_max_cost": 0.4, **evaluation})
        )
        truth = ["a" if number % 2 else "b" for number in range(ROWS)]
        unsure = [number % 5 == 0 for number in range(ROWS)]
        student = [_other(one) if doubt else one for one, doubt in zip(truth, unsure, strict=True)]
        lines = [
            {"model": role, "row_id": f"r{at}", "answer": one, "text": one} | (_scores(one, doubt) if is_scored else {})
            for at, (one, doubt) in enumerate(zip(student, unsure, strict=True))
        ]
        write_answers(folder / ANSWERS, lines)
        if validation:
            write_answers(folder / VALIDATION, lines)
        self.folder = folder
        # every other validation row has a reference, the others what the teacher said
        rows = [make_row(f"r{at}", *([one] if at % 2 else [])) for at, one in enumerate(truth)]
        kept = [{"id": f"r{at}", "completion": [{"content": one}]} for at, one in enumerate(truth)]
        (folder / "validation.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
        self.truth = validation_truth(rows, folder, self.recipe.skill, LABELS)
        # the teacher is wrong on other rows
        teacher = [_other(one) if at % 10 == 1 else one for at, one in enumerate(truth)]
        latencies = {role: [8.0, 12.0], ModelRole.TEACHER: [90.0, 110.0]}
        self.evidence = Evidence(
            rows=[make_row(f"r{at}", one) for at, one in enumerate(truth)],
            labels=LABELS,
            answers={role: student, ModelRole.TEACHER: teacher},
            measurements={model: {"latencies_ms": found} for model, found in latencies.items()},
        )
        self.blocks = {
            model: {"cost_usd_per_1k_requests": None, "latency_ms": {"p50": float(np.mean(found))}}
            for model, found in latencies.items()
        }

    def found(self, on_validation: dict[str, Scored] | None = None) -> tuple[dict[str, Any], str]:
        pair = Pair(self.role, self.blocks, on_validation or {})
        return student_certainty(self.recipe, self.evidence, pair, self.folder, self.truth)


def _other(label: str) -> str:
    return "b" if label == "a" else "a"


def _scores(answer: str, is_unsure: bool) -> dict[str, Any]:
    share = 0.55 if is_unsure else 0.95
    shares = {answer: math.log(share), _other(answer): math.log(1 - share)}
    return {"logprob": math.log(share), "label_logprobs": [shares[label] for label in LABELS]}


@pytest.mark.parametrize("role", [ModelRole.STUDENT, ModelRole.STUDENT_3])
def test_cascade_hands_back_the_rows_that_the_student_is_unsure_of(tmp_path: Path, role: ModelRole):
    found, why = Case(tmp_path, role=role).found()
    cascade = found["cascade"]
    assert why == ""
    assert cascade["handed_back"] == 0.2
    # the student is wrong on the 20 that are handed back, and the teacher on 10 others that are not
    assert cascade["quality"]["value"] == 1.0
    assert cascade["gain_over_teacher"]["value"] == pytest.approx(0.1)
    assert cascade["gain_over_student"]["value"] == pytest.approx(0.2)
    # a tenth of the teacher's time for the student, and a fifth of the rows
    assert (cascade["relative_cost"], cascade["cost_of"]) == (pytest.approx(0.3), "time")
    assert cascade["latency_ms"] == pytest.approx(10 + 0.2 * 100)
    assert cascade["curve"][0]["quality"] == 0.8


def answers_of(case: Case, *, right: Callable[[int], bool], rows: int = ROWS) -> dict[str, Scored]:
    """Return a teacher's answers to validation rows, whose true labels are those of the test rows."""
    labels = [row["references"][0] for row in case.evidence.rows[:rows]]
    return {f"r{at}": Scored(one if right(at) else _other(one), None, None) for at, one in enumerate(labels)}


def test_cascade_hands_back_what_its_teacher_is_right_on(tmp_path: Path, blocks: dict[str, Any]):
    case = Case(tmp_path)
    found, _ = case.found(answers_of(case, right=lambda _: True))
    assert (found["cascade"]["chosen_by"], found["cascade"]["handed_back"]) == ("quality", 0.2)
    report = build_report(**{**blocks, "comparison": {**blocks["comparison"], **found}})
    assert "The threshold does best on validation rows of those that" in cascade_text(report)


def test_cascade_hands_nothing_back_to_a_teacher_that_is_wrong_there(tmp_path: Path, blocks: dict[str, Any]):
    case = Case(tmp_path)
    # on the rows with a reference of which the student is unsure; without one nobody knows
    found, _ = case.found(answers_of(case, right=lambda at: at % 2 == 0 or at % 5 != 0))
    cascade = found["cascade"]
    assert (cascade["chosen_by"], cascade["threshold"], cascade["handed_back"]) == ("quality", 0.0, 0.0)
    assert cascade["quality"]["value"] == 0.8
    report = build_report(**{**blocks, "comparison": {**blocks["comparison"], **found}})
    assert cascade_text(report).startswith("On validation rows the student does best by itself")


def test_cascade_with_few_answers_of_the_teacher_goes_by_cost(tmp_path: Path):
    case = Case(tmp_path)
    # every other row has a reference: 19 of 38
    wrong = answers_of(case, right=lambda _: False, rows=38)
    assert case.found(wrong)[0]["cascade"]["chosen_by"] == "cost"
    assert case.found(wrong)[0]["cascade"]["handed_back"] == 0.2
    enough = answers_of(case, right=lambda _: False, rows=40)
    assert case.found(enough)[0]["cascade"]["chosen_by"] == "quality"


def test_certainty_counts_references_and_the_teachers_answers(tmp_path: Path):
    found, _ = Case(tmp_path).found()
    certainty = found["certainty"]
    assert (certainty["rows"], certainty["with_reference"]) == (100, 50)
    assert sum(one["rows"] for one in certainty["reliability"]) == 100


def test_cascade_more_rows_than_may_be_paid_for_stay_with_the_student(tmp_path: Path):
    # 20 % of 100 validation rows may be 27 % of all
    found, _ = Case(tmp_path, cascade_max_cost=0.36).found()
    assert found["cascade"]["handed_back"] == 0.0


def test_cascade_student_that_costs_too_much_has_none_and_says_so(tmp_path: Path):
    found, why = Case(tmp_path, cascade_max_cost=0.05).found()
    assert found["cascade"] is None
    assert found["certainty"] is not None
    assert why == "the student alone costs 10% of the teacher, more than evaluation.cascade_max_cost (5%)"


@pytest.mark.parametrize(
    ("case", "why"),
    [({"validation": False}, "answered no validation rows"), ({"is_scored": False}, "gave no probabilities")],
)
def test_cascade_not_measured_says_why(tmp_path: Path, case: dict[str, Any], why: str):
    found, said = Case(tmp_path, **case).found()
    assert found == {"certainty": None, "cascade": None}
    assert why in said


def test_cascade_metric_of_all_rows_together_has_none(tmp_path: Path):
    _, why = Case(tmp_path, metrics=["macro_f1"]).found()
    assert why.startswith("macro_f1 is of all rows together")


@pytest.mark.parametrize(
    ("costs", "prices", "unit"),
    [
        ((0.5, 10.0), (0.5, 10.0), "usd"),
        # its machine's time is no money
        ((None, 10.0), (0.0, 10.0), "requests"),
        ((None, None), (10.0, 100.0), "time"),
    ],
)
def test_prices_are_money_if_known_else_time(costs: Any, prices: Any, unit: str):
    blocks = {
        role: {"cost_usd_per_1k_requests": cost, "latency_ms": {"p50": p50}}
        for role, cost, p50 in zip((ModelRole.STUDENT, ModelRole.TEACHER), costs, (10.0, 100.0), strict=True)
    }
    found, of = prices_of(Pair(ModelRole.STUDENT, blocks))
    assert ((found.student, found.teacher), of) == (prices, unit)


def test_report_tells_what_handing_back_gives(tmp_path: Path, blocks: dict[str, Any]):
    found, _ = Case(tmp_path).found()
    report = build_report(**{**blocks, "comparison": {**blocks["comparison"], **found}})
    text = cascade_text(report).replace("\u00a0", " ")
    assert "Handing back the 20 % of the test rows" in text
    assert "at 30 % of the teacher's time, 30.0 ms a request on average: +0.100" in text
    assert "50 references and 50 answers of the teacher" in certainty_text(report).replace("\u00a0", " ")
    page = render_html(report)
    assert "When the student is not sure" in page
    assert "rows handed back" in page
    assert "how often right" in page


def test_report_without_a_cascade_says_why(blocks: dict[str, Any]):
    comparison = {**blocks["comparison"], "not_measured": {"cascade": "no validation rows"}}
    report = build_report(**{**blocks, "comparison": comparison})
    assert cascade_text(report) == (
        "Handing rows of the student back to the teacher was not measured: no validation rows."
    )
    assert certainty_text(report) == ""
