"""The training methods: one module each, chosen by `training.kind`."""

import ast
import typing

import pytest

from stillhouse.config import identity
from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.training import TRAINERS, Training
from tests.support.builders import make_recipe_fields


@pytest.mark.parametrize("kind", typing.get_args(Training.model_fields["kind"].annotation))
def test_training_kind_every_word_is_a_module_that_builds_a_trainer(kind):
    tree = ast.parse((TRAINERS / f"{kind}.py").read_text())
    assert "build_trainer" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_training_kind_unknown_word_is_refused_with_the_known_ones():
    with pytest.raises(RecipeError, match=r"training\.kind.*'sft'"):
        parse_recipe(make_recipe_fields() | {"training": {"kind": "gkd"}})


def test_training_kind_default_leaves_the_identity_as_it_was():
    assert "kind" not in identity(Training())
    assert identity(Training(kind="sft")) == identity(Training())
