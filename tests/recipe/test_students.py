"""One student or a list of them, and which settings fit which kind."""

from typing import Any

import pytest
import yaml

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import load_recipe, parse_recipe
from stillhouse.recipe.recipe import Recipe
from tests.support.builders import make_recipe_fields

LM = {"model": "owner/small"}
ENCODER = {"kind": "encoder", "model": "owner/bert", "name": "bert"}


def fields(*students: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = make_recipe_fields() | {"students": list(students)} | more
    del content["student"]
    return content


def recipe_of(*students: dict[str, Any], **more: Any) -> Recipe:
    return parse_recipe(fields(*students, **more))


def test_students_of_one_field_or_of_the_other_are_the_same():
    one, several = parse_recipe(make_recipe_fields() | {"student": LM}), recipe_of(LM, ENCODER)
    assert one.main_student == several.main_student
    assert (len(one.all_students), len(several.all_students)) == (1, 2)


def test_students_a_written_recipe_is_read_again_as_it_was(tmp_path):
    recipe = recipe_of(LM, ENCODER | {"encoder": {"epochs": 2.0}}, {**LM, "name": "b", "training": {"epochs": 3}})
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    assert load_recipe(str(path)).students == recipe.students


def test_students_an_input_for_the_student_replaces_that_of_the_first(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(fields(LM, ENCODER)))
    assert [one.model for one in load_recipe(str(path), {"student.model": "owner/other"}).all_students] == [
        "owner/other",
        "owner/bert",
    ]


def test_training_of_a_student_has_its_own_fields_and_an_encoders_own_rate():
    base = {"learning_rate": 1e-3, "epochs": 9, "seed": 4}
    recipe = recipe_of(
        LM,
        ENCODER | {"encoder": {"epochs": 2, "learning_rate": 1e-5}},
        {**LM, "name": "slow", "training": {"learning_rate": 1e-4, "soft_labels": {"weight": 0.7}}},
        training=base,
    )
    main, encoder, slow = (recipe.training_of(student) for student in recipe.all_students)
    assert main == recipe.training
    assert (encoder.epochs, encoder.learning_rate, encoder.seed) == (2, 1e-5, 4)
    assert (slow.epochs, slow.learning_rate, slow.soft_labels.weight) == (9, 1e-4, 0.7)
    # the rows must hold probabilities as soon as one student learns them
    assert recipe.learns_probabilities
    assert not recipe_of(LM, ENCODER).learns_probabilities


@pytest.mark.parametrize(
    ("students", "says"),
    [
        ([LM, {**LM, "name": ""}], r"students: 2 are called 'small'.*`name` of its own"),
        ([LM | {"cut": {"layers": "influence"}}], r"students\.0\.cut\.layers: influence.*how many"),
        ([LM | {"cut": {"layers": [2, 1]}}], r"students\.0\.cut\.layers: \[2, 1\] must ascend"),
        ([LM | {"cut": {"layers": []}}], r"students\.0\.cut\.layers is an empty list"),
        ([LM | {"layers": 3, "cut": {"layers": [0, 1]}}], r"cut\.layers names 2 layers, and `layers` is 3"),
        ([LM, ENCODER | {"cut": {"heads": 0.5}}], r"students\.1\.cut is of students that write text"),
        ([LM, ENCODER | {"layers": 3}], r"students\.1\.layers is of students that write text"),
        ([LM, ENCODER | {"chat_template": "minimal"}], r"students\.1\.chat_template is of students that write text"),
        ([LM, ENCODER | {"training": {"epochs": 3}}], r"students\.1\.training\.epochs: of an encoder it is encoder"),
        ([LM, ENCODER | {"training": {"packing": True}}], r"students\.1\.training: an encoder can't be .*packing"),
        ([LM, ENCODER | {"training": {"method": "lora"}}], r"students\.1\.training: .*training: \{method: full\}"),
        ([LM, ENCODER | {"training": {"reasoning": "keep"}}], r"\.reasoning: all students learn the same"),
        ([LM | {"training": {"epoch": 3}}], r"students\.0\.training: epoch: unknown field"),
        ([LM | {"training": {"batch_size": 0}}], r"students\.0\.training: batch_size: 0: .*greater"),
        ([LM | {"encoder": {"epochs": 4}}], r"students\.0\.encoder is for students of kind: encoder"),
        ([LM | {"name": str(number)} for number in range(5)], r"students: .*at most 4"),
    ],
)
def test_students_settings_of_another_kind_are_refused(students: list[dict[str, Any]], says: str):
    with pytest.raises(RecipeError, match=says):
        recipe_of(*students)


def test_student_encoder_needs_a_skill_with_labels():
    content = make_recipe_fields(skill={"kind": "qa"}) | {"student": ENCODER}
    content["data"]["train"]["columns"] = {"text": "text"}
    with pytest.raises(RecipeError, match=r"student\.kind: an encoder chooses among labels, and skill\.kind: qa"):
        parse_recipe(content)


def test_student_and_students_exclude_each_other_and_one_is_needed():
    both = fields(LM) | {"student": LM}
    with pytest.raises(RecipeError, match="student and students are both set"):
        parse_recipe(both)
    none = make_recipe_fields()
    del none["student"]
    with pytest.raises(RecipeError, match="student: missing"):
        parse_recipe(none)


def test_shipped_demo_has_a_language_model_and_two_encoders():
    demo = load_recipe("demo")
    assert [student.kind for student in demo.all_students] == ["causal_lm", "encoder", "encoder"]
    assert not demo.learns_probabilities


def test_override_of_the_student_is_of_the_main_one():
    demo = load_recipe("demo", {"student.layers": 10, "student.model": "owner/model"})
    assert (demo.main_student.layers, demo.main_student.model) == (10, "owner/model")
    assert [student.kind for student in demo.all_students[1:]] == ["encoder", "encoder"]
