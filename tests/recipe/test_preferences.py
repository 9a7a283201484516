"""What a recipe's second step may be, and with what it contradicts."""

from typing import Any

import pytest

from stillhouse.config import identity
from stillhouse.errors import RecipeError
from stillhouse.recipe.learning_rates import preference_rate
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.training import Training
from stillhouse.recipe.training_defaults import with_defaults
from tests.support.builders import make_recipe_fields

SEVERAL = {"model": "./teacher", "sampling": {"n": 4, "temperature": 0.7}}


def recipe_with(preferences: dict[str, Any], *teachers: dict[str, Any], **fields: Any):
    training = {"use_references": False, "preferences": preferences} | fields.pop("training", {})
    given = {"skill": {"kind": "math"}, "training": training} | fields
    return parse_recipe(make_recipe_fields(*(teachers or (SEVERAL,)), **given))


def test_parse_recipe_preferences_name_the_pairs_of_all_students():
    recipe = recipe_with({"pairs": {"by": "majority"}})
    assert recipe.pairs is not None
    assert recipe.pairs.by == "majority"
    assert recipe_with({}).judge_chooses is False
    assert parse_recipe(make_recipe_fields()).pairs is None


@pytest.mark.parametrize(
    ("preferences", "fields", "said"),
    [
        ({}, {"training": {"use_references": True}}, "not asked about them: set that to false, or by to majority"),
        ({"pairs": {"by": "majority"}}, {"skill": {"kind": "summarization"}}, "free texts are never equal"),
        ({"pairs": {"by": "judge"}}, {"skill": {"kind": "summarization"}}, "name the model that scores the samples"),
        ({"pairs": {"least_margin": 2}}, {}, "least_margin is of a judge's scores, and by is verifier"),
        ({}, {"training": {"execution": {"processes": 2}}}, "preferences are trained by one process"),
        (
            {},
            {"training": {"method": "lora", "lora": {"target_modules": ["q_proj", "lm_head"]}}},
            "target_modules names lm_head",
        ),
        ({}, {"training": {"weights": "bfloat16"}}, "rounds away changes as small as those of preferences"),
        (
            {"pairs": {"by": "majority"}},
            {"skill": {"labels": ["a", "b"]}, "student": {"model": "owner/encoder", "kind": "encoder"}},
            "an encoder writes none",
        ),
    ],
)
def test_parse_recipe_second_step_that_contradicts_is_refused(preferences, fields, said):
    with pytest.raises(RecipeError, match=said):
        recipe_with(preferences, **fields)


def test_parse_recipe_pairs_of_single_samples_are_refused():
    with pytest.raises(RecipeError, match=r"gives one a prompt: set teachers\.0\.sampling\.n to 4 or more"):
        recipe_with({}, {"model": "./teacher"})


def test_parse_recipe_students_with_other_pairs_are_refused():
    students = [{"model": "owner/a"}, {"model": "owner/b", "training": {"preferences": {"pairs": {"per_prompt": 2}}}}]
    training = {"use_references": False, "preferences": {}}
    fields = make_recipe_fields(SEVERAL, skill={"kind": "math"}, training=training, students=students)
    fields.pop("student")
    with pytest.raises(RecipeError, match="all students learn the same pairs"):
        parse_recipe(fields)


def test_training_without_preferences_keeps_its_identity():
    assert "preferences" not in identity(Training())
    assert "reasoning_mix" not in identity(Training())


def test_preference_rate_follows_size_and_method():
    rates = [preference_rate(10**8, has_adapter=False), preference_rate(2 * 10**9, has_adapter=False)]
    assert rates == [5e-6, 1e-6]
    assert preference_rate(None, has_adapter=False) == 1e-6
    assert preference_rate(10**8, has_adapter=True) == 1e-5
    training = Training.model_validate({"preferences": {}, "learning_rate": 0.1})
    settled = with_defaults(training, 10**8, on_gpu=False)
    assert settled.preferences is not None
    assert (settled.preferences.learning_rate, settled.learning_rate) == (5e-6, 0.1)
    assert settled.preferences.pairs == training.preferences.pairs


@pytest.mark.parametrize(("method", "weights"), [("full", None), ("lora", "bfloat16")])
def test_preferences_on_a_large_student_hold_all_weights_in_float32(method, weights):
    # an update of 1e-6 is a hundredth of what bfloat16 tells apart in a weight of 0.02
    training = Training.model_validate({"preferences": {}, "method": method})
    assert with_defaults(training, 7 * 10**9, on_gpu=True).weights == weights
    plain = Training.model_validate({"method": method})
    assert with_defaults(plain, 7 * 10**9, on_gpu=True).weights == "bfloat16"
