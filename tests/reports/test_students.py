"""Several students in a report: what each keeps of the teacher, and the best by validation."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.evaluation.evidence import VALIDATION, Evidence, write_answers
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.gate.bounds import decide_number
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.collect import model_blocks, with_baseline
from stillhouse.reports.comparison import comparison_block
from stillhouse.reports.html import render_html
from stillhouse.reports.method import method_statements
from stillhouse.reports.schema.models import Models
from stillhouse.reports.students import (
    best_by_validation,
    compared_student,
    student_blocks,
    students_markdown,
    validation_blocks,
)
from stillhouse.reports.tables import summary_markdown
from stillhouse.reports.verdict import alternative_verdicts, headline
from tests.support.builders import make_recipe_fields
from tests.support.gate import FIRST_LOOK

STUDENTS = [
    {"model": "owner/small"},
    {"kind": "encoder", "model": "owner/bert", "name": "linear", "licence": "MIT", "encoder": {"method": "linear"}},
    {"kind": "encoder", "model": "owner/bert", "name": "tuned"},
]
REFERENCES = list("aabb")
ANSWERS = {
    ModelRole.TEACHER: list("aabb"),
    ModelRole.STUDENT: list("aaab"),
    ModelRole.STUDENT_2: list("abab"),
    ModelRole.STUDENT_3: list("aabb"),
    ModelRole.ENCODER_LOGISTIC_REGRESSION: list("abaa"),
}


def recipe_of(students: list[dict[str, Any]], **more: Any) -> Any:
    fields = make_recipe_fields() | {"students": students} | more
    del fields["student"]
    return parse_recipe(fields)


def known(accuracies: list[float | None]) -> dict[ModelRole, dict[str, Any]]:
    roles = [ModelRole.STUDENT, ModelRole.STUDENT_2, ModelRole.STUDENT_3]
    return {
        role: {
            "name": f"{role} <b>",
            "kind": "encoder" if role != ModelRole.STUDENT else "causal_lm",
            "validation_accuracy": accuracy,
            "validation_quality": None,
            "validation_rows": 20,
            "training": None,
        }
        for role, accuracy in zip(roles, accuracies, strict=False)
    }


@pytest.fixture
def several(blocks: dict[str, Any]) -> Any:
    """A report of three students, of which the last is right on most validation rows."""
    return report_of(blocks, [0.8, 0.85, 0.9])


def report_of(blocks: dict[str, Any], accuracies: list[float | None]) -> Any:
    recipe = recipe_of(STUDENTS)
    evidence = Evidence(
        rows=[{"id": str(place), "references": [one]} for place, one in enumerate(REFERENCES)],
        labels=("a", "b"),
        answers={role: list(answers) for role, answers in ANSWERS.items()},
        measurements={
            role: {"latency_ms": {"p50": 100 / 2**place, "p95": 200.0, "n": 4}, "weight_bytes": 800 // 2**place}
            for place, role in enumerate(ANSWERS)
        },
    )
    measured = model_blocks(evidence, {}, recipe)
    comparison, which = comparison_block(evidence, measured, recipe, compared_student(known(accuracies)))
    models = with_baseline(measured, which)
    students = student_blocks(evidence, Models.model_validate(models), recipe, known(accuracies))
    comparison["best_student"] = best_by_validation(students)
    changed = {"models": models, "comparison": comparison, "students": students, "method": method_statements(recipe)}
    changed |= {"recipe": recipe.model_dump(mode="json"), "confusion": None}
    licences = {"student_base": "unknown", "student_bases": {"linear": "MIT"}}
    return build_report(**{**blocks, **changed, "licences": licences})


def test_students_each_is_compared_with_the_teacher(several: Any) -> None:
    kept = {role: one.quality_retained for role, one in several.students.items()}
    assert kept == {"student": 0.75, "student_2": 0.5, "student_3": 1.0}
    assert {role: one.latency_reduction for role, one in several.students.items()} == {
        "student": 0.5,
        "student_2": 0.75,
        "student_3": 0.875,
    }
    assert several.students["student_3"].weight_reduction == 0.875
    # always right, as the teacher is: no resample says otherwise
    exact = several.students["student_3"]
    assert (exact.quality_retained_low, exact.quality_retained_high) == (1.0, 1.0)
    assert several.students["student_2"].quality_retained_low < 0.5


def test_comparison_of_several_students_is_about_the_best_by_validation(several: Any) -> None:
    comparison = several.comparison
    assert (comparison.student, comparison.best_student) == (ModelRole.STUDENT_3, "student_3")
    assert several.student == several.models.student_3
    assert comparison.quality_retained == several.students["student_3"].quality_retained == 1.0
    assert (comparison.latency_reduction, comparison.weight_reduction) == (0.875, 0.875)
    # right on 4 of 4 rows: the others on 3, 2, and the opponent on 1
    gains = {role: round(gain.value, 9) for role, gain in comparison.gain_over.items()}
    assert gains == {"teacher": 0.0, "student": 0.25, "student_2": 0.5, "encoder_logistic_regression": 0.75}
    assert comparison.gain_over_strongest.value == pytest.approx(0.75)
    # one alternative is a family of one: nothing is corrected for the students that were not chosen
    assert comparison.gain_over_strongest.p_corrected == comparison.gain_over_strongest.p_value


def test_comparison_without_validation_rows_is_about_the_first_student(blocks: dict[str, Any]) -> None:
    report = report_of(blocks, [None, None, None])
    assert (report.comparison.student, report.comparison.best_student) == (ModelRole.STUDENT, None)
    assert report.comparison.quality_retained == 0.75
    assert headline(report).startswith("The student “student <b>”, the first of 3, keeps 75")


def test_report_says_which_student_its_sentences_are_about(several: Any) -> None:
    assert headline(several).startswith("The student “student_3 <b>”, best of 3 on validation rows, keeps 100")
    page = render_html(several)
    assert page.count('<tr class="compared">') == 1
    assert '<tr class="compared"><th scope="row">Student 3' in page
    card = model_card(several)
    assert "base_model: owner/bert" in card
    assert "type: text-classification" in card


def test_alternative_of_another_student_is_not_called_the_same(several: Any) -> None:
    one = several.models.student.model_copy(update={"name": "x"})
    models = several.models.model_copy(update={"student_labelled_only": one})
    texts = [verdict.text for verdict in alternative_verdicts(several.model_copy(update={"models": models}))]
    assert any("the main student trained on the labelled rows alone" in text for text in texts)
    assert not any("same student" in text for text in texts)


def test_gate_decides_about_the_best_student(several: Any) -> None:
    rule = {"metric": "comparison.quality_retained", "op": ">=", "bound": 0.9}
    gate = recipe_of(STUDENTS, gate={"rules": [rule]}).gate
    assert decide_number(several.model_dump(mode="json"), gate.rules[0], FIRST_LOOK).passed


def test_best_student_is_chosen_on_validation_rows_alone() -> None:
    # the one that is best on the test rows is not named for it
    assert best_by_validation(known([0.8, 0.95, 0.9])) == ModelRole.STUDENT_2
    assert best_by_validation(known([0.9, 0.9, None])) == ModelRole.STUDENT
    assert best_by_validation(known([None, 0.9])) is None
    assert best_by_validation({}) is None


def test_students_a_gate_can_name_a_number_of_any(several: Any) -> None:
    gate = recipe_of(
        STUDENTS, gate={"rules": [{"metric": "students.student_3.latency_reduction", "op": ">=", "bound": 0.8}]}
    ).gate
    assert decide_number(several.model_dump(mode="json"), gate.rules[0], FIRST_LOOK).passed


def test_students_table_and_the_best_one_stand_in_page_summary_and_card(several: Any) -> None:
    for text in (render_html(several), summary_markdown(several), model_card(several)):
        shown = text.replace("\u00a0", " ")
        assert "best by validation" in shown
        assert "right on 0.900 of 20 rows" in shown
        assert "88 % less" in shown
    # a student's name is a user's text
    section = render_html(several).partition("<h3>Students</h3>")[2].partition("</table>")[0]
    assert "student_2 &lt;b&gt;" in section
    assert "<b>" not in section + students_markdown(several)
    assert "base model of student linear: **MIT**" in model_card(several)
    assert "8-bit weights by onnxruntime" in render_html(several)


def test_students_equal_on_validation_rows_are_both_named(several: Any) -> None:
    students = {role: one.model_copy(update={"validation_accuracy": 0.9}) for role, one in several.students.items()}
    comparison = several.comparison.model_copy(update={"best_student": "student"})
    equal = several.model_copy(update={"students": students, "comparison": comparison})
    assert "rows, as student_2 &lt;b&gt; and student_3 &lt;b&gt; are" in students_markdown(equal)


def test_students_of_free_answers_are_named_with_the_metric_they_are_chosen_by(several: Any) -> None:
    quality = {"validation_accuracy": None, "validation_quality": 0.61}
    comparison = several.comparison.model_copy(update={"primary_metric": "token_f1"})
    students = {role: one.model_copy(update=quality) for role, one in several.students.items()}
    said = students_markdown(several.model_copy(update={"students": students, "comparison": comparison}))
    assert "Best by validation: student_3 &lt;b&gt;, token F1 0.610 on 20 rows, as " in said
    assert "token F1 0.610, n = 20" in said


def test_students_of_a_recipe_with_one_that_writes_text_are_no_block() -> None:
    recipe = parse_recipe(make_recipe_fields())
    assert student_blocks(None, None, recipe, known([0.8])) == {}  # type: ignore[arg-type]


def test_validation_accuracy_counts_the_rows_of_the_training_set_alone(tmp_path: Path) -> None:
    truth = {name: Truth([label], has_reference=False) for name, label in zip("xyz", "aab", strict=True)}
    answers = {ModelRole.STUDENT: "aabb", ModelRole.STUDENT_2: "abaa"}
    for role, given in answers.items():
        (tmp_path / role).mkdir()
        lines = [{"model": role, "row_id": name, "answer": one} for name, one in zip("xyzw", given, strict=True)]
        write_answers(tmp_path / role / VALIDATION, lines)
    folders = [tmp_path / role for role in (*answers, "none")]
    found = validation_blocks(folders, truth, recipe_of(STUDENTS), ("a", "b"))
    # w was dropped by the filters: it has no label
    right = {"validation_accuracy": 1.0, "validation_quality": None, "validation_rows": 3}
    assert found[ModelRole.STUDENT] == right
    assert found[ModelRole.STUDENT_2]["validation_accuracy"] == pytest.approx(1 / 3)
    assert found[ModelRole.STUDENT_3] == dict.fromkeys(right)
