"""Which of the two bounds on a teacher's certainty a recipe may name."""

import pytest

from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields, refusal_of

CHOICE = {"kind": "choice", "choice": ["Yes.", "No."]}
QA = {"kind": "qa"}


def test_min_mean_logprob_of_labels_is_refused_with_the_probability_to_write():
    message = refusal_of(make_recipe_fields(filters={"min_mean_logprob": -0.7}))
    assert "filters.min_mean_logprob is for free answers" in message
    assert "write filters.min_probability, the least probability of the whole answer, such as 0.5" in message
    assert parse_recipe(make_recipe_fields(filters={"min_probability": 0.5})).filters.min_probability == 0.5


def test_min_probability_of_free_answers_is_refused_with_the_mean_to_write():
    message = refusal_of(make_recipe_fields(skill=QA, filters={"min_probability": 0.5}))
    assert "filters.min_probability is for answers of a fixed set" in message
    assert "write filters.min_mean_logprob, the least mean log-probability a token, such as -0.69" in message
    assert parse_recipe(make_recipe_fields(skill=QA, filters={"min_mean_logprob": -0.69}))


def test_both_bounds_go_together_where_one_teacher_chooses_and_the_other_writes():
    teachers = ({"name": "a", "model": "o/a", "output": CHOICE}, {"name": "b", "model": "o/b"})
    both = {"min_probability": 0.5, "min_mean_logprob": -0.7}
    assert parse_recipe(make_recipe_fields(*teachers, skill=QA, filters=both))
    assert "filters.min_mean_logprob" in refusal_of(make_recipe_fields(teachers[0], skill=QA, filters=both))


@pytest.mark.parametrize("value", [0.0, 1.1, -0.7])
def test_min_probability_outside_of_zero_to_one_is_refused(value):
    assert "filters.min_probability" in refusal_of(make_recipe_fields(filters={"min_probability": value}))
