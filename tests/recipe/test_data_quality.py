"""Settings about labels that would do nothing are refused."""

from tasks.recipe.load import parse_recipe
from tests.recipe.test_load import fields, refusal

QA = {"skill": {"kind": "qa"}}
SUMMARIES = {"skill": {"kind": "summarization"}}
SAMPLES = {"sampling": {"n": 3, "temperature": 0.7}}


def recipe(skill: dict, filters: dict, **teacher_fields) -> dict:
    return fields() | skill | {"filters": filters, "teachers": [{"model": "./teacher", **teacher_fields}]}


def test_check_labels_needs_answers_that_can_contradict():
    assert "filters.check_labels: free texts contradict none" in refusal(recipe(SUMMARIES, {"check_labels": True}))
    assert "filters.check_labels would find nothing" in refusal(recipe(QA, {"check_labels": True}))
    assert parse_recipe(recipe(QA, {"check_labels": True}, **SAMPLES))
    assert parse_recipe(recipe({}, {"check_labels": True}))
