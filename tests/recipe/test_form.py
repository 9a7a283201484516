import pytest

from stillhouse.recipe.form import SIZES, recipe_changes
from stillhouse.recipe.load import load_recipe


def test_form_left_empty_changes_nothing():
    assert recipe_changes() == {}
    assert load_recipe("demo", recipe_changes()) == load_recipe("demo")


def test_form_every_field_reaches_its_place_in_the_recipe():
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
    assert (recipe.teacher.model, recipe.student.model) == ("some/teacher", "some/student")
    assert recipe.data.max_train_rows == 7


@pytest.mark.parametrize("size", SIZES)
def test_form_every_size_is_a_recipe_and_smaller_than_the_whole(size):
    recipe, whole = load_recipe("demo", recipe_changes(size=size)), load_recipe("demo")

    assert (recipe == whole) is (size == "full")


def test_form_number_of_rows_wins_over_the_size():
    assert load_recipe("demo", recipe_changes(size="smoke", max_train_rows=40)).data.max_train_rows == 40
