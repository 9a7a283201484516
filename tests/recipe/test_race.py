"""The section `race`: what its contestants change, and what is refused before anything is asked."""

import pytest

from stillhouse.filters.settings import OFF, Filters
from stillhouse.recipe.contestants import contestant_recipe, contestants_of
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_api_teacher, make_recipe_fields, refusal_of

TWO = [
    {**make_api_teacher(), "name": "small"},
    {**make_api_teacher(), "name": "large", "model": "deepseek-reasoner"},
]


def with_race(**race):
    return make_recipe_fields(*TWO, race=race)


def test_contestants_of_a_recipe_that_names_none_are_its_teachers():
    recipe = parse_recipe(make_recipe_fields(*TWO))
    assert [(one.name, one.teacher) for one in contestants_of(recipe)] == [("small", "small"), ("large", "large")]


def test_contestant_changes_what_it_names_and_never_fails_for_few_answers():
    contestants = [
        {"name": "a", "teacher": "large", "prompt": {"system": "Be brief."}, "filters": {"truncated": False}},
        {"name": "b"},
    ]
    recipe = parse_recipe(with_race(contestants=contestants) | {"routing": {"kind": "fallback"}})
    one, both = (contestant_recipe(recipe, contestant) for contestant in contestants_of(recipe))
    assert [teacher.display_name for teacher in one.teachers] == ["large"]
    assert one.teacher.prompt.system == "Be brief."
    assert one.routing.kind == "all"
    assert (one.filters.truncated, one.filters.min_success_ratio) == (False, 0.0)
    assert (len(both.teachers), both.routing.kind, both.filters.truncated) == (2, "fallback", True)


@pytest.mark.parametrize(
    ("race", "said"),
    [
        (
            {"contestants": [{"name": "a", "teacher": "larg"}, {"name": "b"}]},
            "contestant a names the teacher 'larg'; the recipe has small, large. Did you mean 'large'?",
        ),
        (
            {"contestants": [{"name": "a", "filters": {"truncatd": False}}, {"name": "b"}]},
            "contestant a names filters.truncatd, which there is not",
        ),
        (
            {"contestants": [{"name": "a", "filters": {"confidence": False}}, {"name": "b"}]},
            "confidence is set by min_probability, min_mean_logprob",
        ),
        (
            {"contestants": [{"name": "a", "filters": {"max_repetition": 3}}, {"name": "b"}]},
            "contestant a, filters.max_repetition: Input should be less than or equal to 1",
        ),
        ({"contestants": [{"name": "a", "prompt": {"sytem": "x"}}, {"name": "b"}]}, "names prompt.sytem"),
        ({"contestants": [{"name": "a"}]}, "race.contestants has a alone, and a race needs two"),
        ({"contestants": [{"name": "a"}, {"name": "b"}]}, "contestants a and b are the same"),
        (
            {"contestants": [{"name": "a"}, {"name": "a", "teacher": "large"}]},
            "race.contestants names a more than once",
        ),
        ({"filters": ["truncatd"]}, "race.filters names 'truncatd'"),
        ({"filters": ["min_probability"]}, "min_probability is a field of confidence: name that."),
        ({"equal": "usd"}, "equal is usd, and usd is not set"),
        ({"first_prompts": 900}, "first_prompts (900) is more than prompts (800)"),
        (
            {"contestants": [{"name": "a", "filters": {"min_judge_score": 3}}, {"name": "b"}]},
            "contestant a filters by a judge's score, and the recipe has no judge",
        ),
    ],
)
def test_race_that_cannot_be_run_is_refused_in_one_line(race, said):
    message = refusal_of(with_race(**race))
    assert said in message
    assert len([line for line in message.splitlines() if line.startswith("  - ")]) == 1


def test_filters_without_one_have_all_others_as_they_were():
    filters = Filters(min_probability=0.5, max_repetition=0.3)
    assert "confidence" in filters.active
    assert "near_duplicate" not in filters.active
    assert filters.without("confidence") == Filters(max_repetition=0.3)
    assert set(filters.without("truncated").active) == set(filters.active) - {"truncated"}
    assert all(name not in filters.without(name).active for name in OFF)
