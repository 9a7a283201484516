"""Which layers are compared: maps of the papers, and lists that do not fit."""

from typing import Any

import pytest

from stillhouse.errors import ModelError, RecipeError
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.training import Training
from stillhouse.students.layer_matching.layer_map import layer_pairs
from tests.support.builders import make_recipe_fields


def pairs_of(num_student: int, num_source: int, kind: str = "hidden_states", **settings: Any) -> list[tuple[int, int]]:
    training = Training.model_validate({"kind": kind, kind: settings})
    return list(layer_pairs(training, num_student, num_source))


def test_layer_pairs_even_is_the_uniform_map_of_tinybert():
    # a student of 4 layers and a teacher of 12: each learns the last of three
    assert pairs_of(4, 12) == [(0, 2), (1, 5), (2, 8), (3, 11)]


@pytest.mark.parametrize(("num_student", "num_source"), [(24, 30), (7, 7), (1, 12), (5, 6)])
def test_layer_pairs_even_ascends_to_the_last_layer(num_student, num_source):
    chosen = [layer for _, layer in pairs_of(num_student, num_source)]
    assert chosen == sorted(set(chosen))
    assert (len(chosen), chosen[-1]) == (num_student, num_source - 1)


def test_layer_pairs_last_are_as_many_as_the_student_has_for_states_and_one_for_attention():
    assert pairs_of(3, 12, layers="last") == [(0, 9), (1, 10), (2, 11)]
    assert pairs_of(3, 12, "attention") == [(2, 11)]
    # a deeper student has a last layer too
    assert pairs_of(14, 12, "attention") == [(13, 11)]


def test_layer_pairs_given_are_taken_in_their_order():
    assert pairs_of(2, 12, layers=[0, 7]) == [(0, 0), (1, 7)]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": [1, 2, 3]}, r"training\.hidden_states\.layers names 3 layers, and the student has 2"),
        ({"layers": [1, 12]}, r"layer 12, and the teacher has layers 0 to 11"),
        ({"layers": [1, 12], "source": "base"}, r"layer 12, and the base has layers 0 to 11"),
    ],
)
def test_layer_pairs_list_that_does_not_fit_is_refused(settings, said):
    with pytest.raises(ModelError, match=said):
        pairs_of(2, 12, **settings)


def test_layer_pairs_student_deeper_than_its_teacher_is_refused_with_the_remedy():
    with pytest.raises(ModelError, match=r"at most the 6 layers of its teacher, and it has 12: set student\.layers"):
        pairs_of(12, 6)


@pytest.mark.parametrize("layers", [[3, 1], [1, 1], [-1, 2], []])
def test_layers_not_ascending_are_refused_with_the_recipe(layers):
    fields = make_recipe_fields() | {"training": {"kind": "hidden_states", "hidden_states": {"layers": layers}}}
    with pytest.raises(RecipeError, match=r"hidden_states\.layers.*(ascending|at least one layer)"):
        parse_recipe(fields)
