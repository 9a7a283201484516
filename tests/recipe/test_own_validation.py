import pytest

from stillhouse.recipe.data import Data
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields, refusal_of

OWN = {"path": "choices.jsonl", "columns": {"text": "text", "label": "label"}}


def with_data(**fields):
    content = make_recipe_fields()
    return content | {"data": content["data"] | fields}


def test_own_validation_rows_take_the_place_of_a_share_of_train():
    default = Data.model_fields["validation_fraction"].default
    assert parse_recipe(with_data(validation=OWN)).data.validation_fraction == 0
    assert parse_recipe(with_data(validation=OWN, validation_fraction=0)).data.validation_fraction == 0
    assert parse_recipe(with_data(validation=None)).data.validation_fraction == default > 0


def test_own_validation_rows_beside_a_share_are_refused():
    said = refusal_of(with_data(validation=OWN, validation_fraction=0.08))
    assert "data: validation and validation_fraction (0.08) are both set" in said
    assert "Leave validation_fraction out" in said
    assert said.count("\n") == 1


def test_own_validation_rows_of_a_stored_recipe_are_read_again():
    recipe = parse_recipe(with_data(validation=OWN))
    assert parse_recipe(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize("role", ["test", "validation"])
def test_own_validation_columns_are_checked_by_skill(role):
    wrong = OWN | {"columns": {"premise": "a", "hypothesis": "b", "label": "label"}}
    assert f"data.{role}.columns names `premise` and `hypothesis`, for skill nli only" in refusal_of(
        with_data(**{role: wrong})
    )
