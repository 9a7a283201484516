"""How several processes of a training share its steps, and what they can't be combined with."""

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.processes import share_of_batch
from stillhouse.recipe.training import Training
from tests.support.builders import make_recipe_fields


@pytest.mark.parametrize("processes", range(1, 17))
@pytest.mark.parametrize("batch_size", [1, 6, 8])
@pytest.mark.parametrize("accumulation", [1, 4, 6])
def test_share_of_batch_times_the_processes_is_the_recipes_step(batch_size, accumulation, processes):
    training = Training.model_validate(
        {"batch_size": batch_size, "gradient_accumulation": accumulation, "execution": {"processes": processes}}
    )
    share = share_of_batch(training)
    if share is None:
        assert (batch_size * accumulation) % processes
    else:
        rows, passes = share
        assert rows * passes * processes == batch_size * accumulation
        assert rows <= batch_size  # no more memory than the recipe's forward pass takes


def refusal_of(training: dict[str, object], **student: object) -> str:
    fields = make_recipe_fields(training=training)
    fields["student"] |= student
    with pytest.raises(RecipeError) as refused:
        parse_recipe(fields)
    return str(refused.value)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"execution": {"processes": 3}}, "can't share each step's 8 rows evenly (batch_size 8 x"),
        ({"execution": {"processes": 2}, "packing": True}, "training.packing joins them"),
        ({"execution": {"processes": 2, "sharding": "fsdp"}, "method": "qlora"}, "can't share out weights of 4 bits"),
        ({"execution": {"sharding": "fsdp"}}, "shares out among several: raise `processes` too"),
    ],
)
def test_processes_that_do_not_go_with_the_training_are_refused(training, said):
    assert said in refusal_of(training)


def test_processes_of_an_encoder_are_refused():
    assert "an encoder is trained by one" in refusal_of({"execution": {"processes": 2}}, kind="encoder")
