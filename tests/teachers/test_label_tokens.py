"""Labels that a teacher can't score apart are found before it is asked."""

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.teachers.label_tokens import check_label_scores
from tasks.orchestration.preflight import start_run
from tests.support.builders import make_recipe_fields
from tests.support.model_folder import write_model_folder

ALIKE = {"labels": ["card lost", "card late", "refund"]}
APART = {"labels": ["lost", "refund"]}


def check(folder, skill, *others, **teacher):
    """Check a recipe whose first teacher is in a folder; `others` are not."""
    fields = make_recipe_fields(
        {"model": str(folder), "name": "first", **teacher}, *others, skill=skill, training={"soft_labels": {}}
    )
    recipe = parse_recipe(fields)
    check_label_scores(recipe, recipe.teachers[:1])


def test_run_with_soft_labels_of_labels_that_begin_alike_is_refused_before_work(tmp_path):
    folder = str(write_model_folder(tmp_path / "m"))
    fields = make_recipe_fields({"model": folder}, skill=ALIKE, student={"model": folder})
    assert start_run(parse_recipe(fields), load_settings(), []).id
    with pytest.raises(RecipeError, match="begin with the same token"):
        start_run(parse_recipe(fields | {"training": {"soft_labels": {}}}), load_settings(), [])


def test_labels_that_begin_alike_are_refused_by_name(tmp_path):
    folder = write_model_folder(tmp_path / "m")
    with pytest.raises(RecipeError, match=r"labels 'card lost' and 'card late' begin with the same token of .*/m,"):
        check(folder, ALIKE)
    check(folder, APART)


@pytest.mark.parametrize("skill", [ALIKE, {"labels": []}], ids=["several samples", "labels of the data"])
def test_labels_that_begin_alike_are_accepted_where_shares_count_or_they_are_not_known(tmp_path, skill):
    sampling = {"n": 4, "temperature": 1.0} if skill is ALIKE else {}
    check(write_model_folder(tmp_path / "m"), skill, sampling=sampling)


def test_labels_that_begin_alike_are_accepted_with_a_teacher_whose_tokens_are_not_known_yet(tmp_path):
    check(write_model_folder(tmp_path / "m"), ALIKE, {"model": "owner/other", "name": "second"})
