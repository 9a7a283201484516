"""Which recipes may ask for the teacher's probabilities of the labels."""

import pytest

from stillhouse.config import identity
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.training import SoftLabels, Training
from tests.support.builders import make_api_teacher, make_recipe_fields, refusal_of

SOFT = {"soft_labels": {"weight": 0.7, "temperature": 2.0}}
SAMPLED = {"n": 4, "temperature": 1.0}


def test_soft_labels_of_a_local_teacher_are_read():
    recipe = parse_recipe(make_recipe_fields(training=SOFT))
    assert recipe.training.soft_labels == SoftLabels(weight=0.7, temperature=2.0)


def test_soft_labels_of_a_skill_without_labels_are_refused():
    message = refusal_of(make_recipe_fields(skill={"kind": "qa"}, training=SOFT))
    assert "training.soft_labels are probabilities of labels, and skill.kind: qa has none: leave them out" in message


@pytest.mark.parametrize(
    "teacher",
    [make_api_teacher(), {"model": "./teacher", "output": {"kind": "free"}}],
    ids=["an endpoint", "a free form"],
)
def test_soft_labels_of_a_teacher_that_scores_no_label_need_several_samples(teacher):
    message = refusal_of(make_recipe_fields(teacher, training=SOFT))
    assert "training.soft_labels: no teacher says how probable it finds each label" in message
    assert "set teachers.0.sampling.n to 4 or more" in message
    assert parse_recipe(make_recipe_fields(teacher | {"sampling": SAMPLED}, training=SOFT))


def test_soft_labels_of_one_teacher_among_several_are_enough():
    local = {"model": "./teacher", "name": "local"}
    assert parse_recipe(make_recipe_fields(make_api_teacher() | {"name": "far"}, local, training=SOFT))


@pytest.mark.parametrize(("field", "value"), [("weight", 1.1), ("weight", -0.1), ("temperature", 0.5)])
def test_soft_labels_out_of_bounds_are_refused(field, value):
    fields = make_recipe_fields(training={"soft_labels": {field: value}})
    assert f"training.soft_labels.{field}" in refusal_of(fields)


def test_soft_labels_enter_the_identity_of_training_only_if_they_are_set():
    assert "soft_labels" not in identity(Training())
    assert identity(Training(soft_labels=SoftLabels()))["soft_labels"] == {"weight": 0.5, "temperature": 1.0}
