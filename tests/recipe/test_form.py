import pytest

from stillhouse.recipe.form import SIZES, recipe_changes
from stillhouse.recipe.load import load_recipe


def test_recipe_changes_without_inputs_are_none():
    assert recipe_changes() == {}
    assert load_recipe("demo", recipe_changes()) == load_recipe("demo")


def test_recipe_changes_each_input_reaches_its_field():
    chosen = recipe_changes(
        data="s3://bucket/train.jsonl",
        test_data="s3://bucket/test.jsonl",
        teacher="some/teacher",
        student="some/student",
        max_train_rows=7,
    )

    recipe = load_recipe("demo", chosen)

    assert recipe.data.train.path == "s3://bucket/train.jsonl"
    assert recipe.data.test is not None
    assert recipe.data.test.path == "s3://bucket/test.jsonl"
    assert (recipe.teacher.model, recipe.main_student.model) == ("some/teacher", "some/student")
    assert recipe.data.max_train_rows == 7


@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_each_a_recipe_smaller_than_full(size):
    recipe, whole = load_recipe("demo", recipe_changes(size=size)), load_recipe("demo")

    assert (recipe == whole) is (size == "full")


def test_recipe_changes_max_train_rows_replaces_that_of_the_size():
    assert load_recipe("demo", recipe_changes(size="smoke", max_train_rows=40)).data.max_train_rows == 40
