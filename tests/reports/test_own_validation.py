"""What a report says of its validation rows."""

import re
from pathlib import Path

import pytest

from stillhouse.evaluation.evidence import VALIDATION, write_answers
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.method import method_statements
from stillhouse.reports.students import best_by_validation, validation_blocks
from tests.support.builders import make_recipe_fields

OWN = {"path": "choices.jsonl", "columns": {"text": "text", "label": "label"}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"validation": OWN}, "labelled rows of the recipe's own"),
        ({"validation_fraction": 0.08}, "8% of the training rows.*teacher's answer"),
        ({"validation_fraction": 0.0}, "^$"),
    ],
)
def test_method_says_whose_labels_choices_are_made_by(data, said):
    fields = make_recipe_fields()
    topics = method_statements(parse_recipe(fields | {"data": fields["data"] | data}))
    assert re.search(said, topics.get("choices", ""))


@pytest.fixture
def answered(tmp_path: Path) -> list[Path]:
    """Two students' answers to three questions."""
    answers = {
        ModelRole.STUDENT: ["Ada Lovelace", "in Turin", None],
        ModelRole.STUDENT_2: ["Ada", "in Turin", "1843"],
        ModelRole.TEACHER: ["Ada Lovelace", "in Turin", "1843"],
    }
    for role, given in answers.items():
        (tmp_path / role).mkdir()
        lines = [{"model": role, "row_id": name, "answer": one} for name, one in zip("xyz", given, strict=True)]
        write_answers(tmp_path / role / VALIDATION, lines)
    return [tmp_path / role for role in answers]


def qa_recipe(**evaluation):
    return parse_recipe(make_recipe_fields() | {"skill": {"kind": "qa"}, "evaluation": evaluation})


def test_students_of_free_answers_are_measured_on_rows_with_a_reference(answered):
    truth = {
        "x": Truth(["Ada Lovelace", "Lovelace"], has_reference=True),
        "y": Truth(["in Turin"], has_reference=False),  # as the teacher wrote it: to write otherwise is not wrong
        "z": Truth(["1843"], has_reference=True),
    }
    exact = validation_blocks(answered, truth, qa_recipe(metrics=["exact_match"]), ())
    assert exact[ModelRole.STUDENT] == {
        "validation_accuracy": None,
        "validation_quality": 0.5,
        "validation_rows": 2,
    }
    assert exact[ModelRole.STUDENT_2]["validation_quality"] == 0.5
    assert ModelRole.TEACHER not in exact
    # one of "Ada Lovelace"'s two words: F1 is 2/3
    shared = validation_blocks(answered, truth, qa_recipe(metrics=["token_f1", "exact_match"]), ())
    assert shared[ModelRole.STUDENT_2]["validation_quality"] == pytest.approx((2 / 3 + 1) / 2)
    assert best_by_validation(exact) == ModelRole.STUDENT
    assert best_by_validation(shared) == ModelRole.STUDENT_2


def test_students_of_free_answers_without_references_are_not_measured(answered):
    truth = {name: Truth(["Ada Lovelace"], has_reference=False) for name in "xyz"}
    found = validation_blocks(answered, truth, qa_recipe(), ())
    assert set(found[ModelRole.STUDENT].values()) == {None}
    assert best_by_validation(found) is None
