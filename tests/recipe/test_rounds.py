"""Which recipes may ask in rounds."""

from typing import Any

import pytest

from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_api_teacher, make_recipe_fields, refusal_of

LOCAL = {"model": "./teacher"}
QA = {"skill": {"kind": "qa"}}
JUDGE = {"judge": {"model": "./judge"}}


@pytest.mark.parametrize(
    ("teacher", "more", "student"),
    [
        (LOCAL, {"rounds": {}}, "encoder"),
        (make_api_teacher(), {"rounds": {"student": "main", "samples_where_failed": 4}}, "main"),
        (LOCAL, {**QA, "rounds": {}}, "main"),
        (LOCAL, {**QA, **JUDGE, "rounds": {"choose": "judged_wrong"}}, "main"),
        (LOCAL, {**QA, "judge": {"model": "./judge", "against": []}, "rounds": {"choose": "judged_wrong"}}, "main"),
        (LOCAL, {}, None),
    ],
)
def test_rounds_student_is_the_encoder_for_labels_and_else_the_main_one(
    teacher: dict[str, Any], more: dict[str, Any], student: str | None
):
    assert parse_recipe(make_recipe_fields(teacher, **more)).rounds_student == student


@pytest.mark.parametrize(
    ("teachers", "more", "rounds", "expected"),
    [
        ([LOCAL | {"name": "a"}, LOCAL | {"name": "b"}], {}, {}, "rounds ask one teacher, and teachers names 2"),
        ([LOCAL], {"filters": {"check_labels": True}}, {}, "filters.check_labels asks about every labelled row"),
        ([LOCAL], {**QA, **JUDGE, "filters": {"min_judge_score": 3}}, {}, "leave filters.min_judge_score"),
        (
            [LOCAL],
            {"data": {"train": {"path": "rows.jsonl", "columns": {"text": "text"}}, "validation_fraction": 0.0}},
            {},
            "data.validation_fraction: 0 leaves none",
        ),
        (
            [LOCAL],
            {"training": {"kind": "logits", "logits": {"draws": 12}}},
            {},
            "training.logits.draws are drawn then: set draws to 0",
        ),
        ([LOCAL], QA, {"student": "encoder"}, "skill.kind: qa has none: set it to main"),
        ([LOCAL], {"evaluation": {"encoder": None}}, {}, "evaluation.encoder is null: name one, or set main"),
        ([LOCAL], QA, {"choose": "judged_wrong"}, "name it in `judge`"),
        ([LOCAL], {}, {"choose": "judged_wrong"}, "judged_wrong is for free answers"),
        ([LOCAL], QA, {"choose": "disagreement"}, "is about labels, and skill.kind: qa has none"),
        ([LOCAL], {}, {"samples_where_failed": 4}, "more samples tell nothing new: set it to 0"),
    ],
)
def test_rounds_that_could_not_be_asked_are_refused_in_one_line(
    teachers: list[dict[str, Any]], more: dict[str, Any], rounds: dict[str, Any], expected: str
):
    assert expected in refusal_of(make_recipe_fields(*teachers, **more, rounds=rounds))


@pytest.mark.parametrize("wrong", [{"count": 1}, {"first": 1.0}, {"first": 0.0}, {"choose": "hardest"}, {"pool": 0}])
def test_rounds_out_of_bounds_are_refused(wrong: dict[str, Any]):
    (name,) = wrong
    assert f"rounds.{name}" in refusal_of(make_recipe_fields(LOCAL, rounds=wrong))
