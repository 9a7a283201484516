"""What a recipe's shares of reasoning may be, and with what they contradict."""

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields

MATH = {"skill": {"kind": "math"}}
SEVERAL = {"model": "./teacher", "sampling": {"n": 4, "temperature": 0.7}}


def recipe_with(mix=None, *teachers, skill=None, reasoning="mix"):
    training = {"reasoning": reasoning} | ({"reasoning_mix": mix} if mix is not None else {})
    return parse_recipe(
        make_recipe_fields(*(teachers or (SEVERAL,)), skill=skill or {"kind": "math"}, training=training)
    )


def test_parse_recipe_mix_in_blocks_teaches_reasoning_and_in_text_does_not():
    assert recipe_with().training.teaches_reasoning
    in_text = recipe_with({"place": "text"}).training
    assert not in_text.teaches_reasoning
    assert in_text.reasoning_identity == {}


@pytest.mark.parametrize(
    ("mix", "settings", "said"),
    [
        ({"long": 0.7, "short": 0.5}, {}, r"reasoning_mix: .*long: 0\.7 and short: 0\.5 are 1\.2 together"),
        ({"long": 0, "short": 0}, {}, "teaches no reasoning at all"),
        ({}, {"skill": {"kind": "summarization"}}, "short takes the shortest of the samples that came to one answer"),
        ({"short": 0, "place": "text"}, {"skill": {"kind": "summarization"}}, r"show them \(math\)"),
        ({}, {"skill": {"labels": ["a", "b"]}}, "training.reasoning: mix teaches text before the answer"),
        ({"short": 0.5}, {"reasoning": "keep"}, "reasoning_mix does nothing with training.reasoning: keep"),
    ],
)
def test_parse_recipe_shares_of_reasoning_that_contradict_are_refused(mix, settings, said):
    with pytest.raises(RecipeError, match=said):
        recipe_with(mix, **settings)


def test_parse_recipe_shortest_of_a_single_sample_is_refused():
    with pytest.raises(RecipeError, match=r"set teachers\.0\.sampling\.n to 2 or more, or short to 0"):
        recipe_with({}, {"model": "./teacher"})
    assert recipe_with({"short": 0}, {"model": "./teacher"}).training.teaches_reasoning
