"""Settings about labels and hard rows that would do nothing are refused."""

import pytest

from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_api_teacher, make_recipe_fields, refusal_of

QA = {"skill": {"kind": "qa"}}
SUMMARIES = {"skill": {"kind": "summarization"}}
SAMPLES = {"sampling": {"n": 3, "temperature": 0.7}}


def recipe(skill: dict, filters: dict, **teacher_fields) -> dict:
    return make_recipe_fields() | skill | {"filters": filters, "teachers": [{"model": "./teacher", **teacher_fields}]}


def test_check_labels_needs_answers_that_can_contradict_a_label():
    assert "a free text contradicts none" in refusal_of(recipe(SUMMARIES, {"check_labels": True}))
    assert "filters.check_labels would find nothing" in refusal_of(recipe(QA, {"check_labels": True}))
    assert parse_recipe(recipe(QA, {"check_labels": True}, **SAMPLES))
    assert parse_recipe(recipe({}, {"check_labels": True}))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_hard_share_out_of_range_is_refused(share):
    assert "filters.hard_share" in refusal_of(recipe({}, {"hard_share": share}))


def test_hard_share_needs_log_probabilities_or_samples():
    hard = {"filters": {"hard_share": 0.5}}
    assert "filters.hard_share finds no hard prompts" in refusal_of(
        make_recipe_fields(make_api_teacher("anthropic"), **hard)
    )
    assert parse_recipe(make_recipe_fields(make_api_teacher("anthropic") | SAMPLES, **hard))
    assert parse_recipe(make_recipe_fields(make_api_teacher("deepseek"), **hard))
    assert parse_recipe(recipe({}, {"hard_share": 0.5}))
