import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import load_recipe, parse_recipe
from stillhouse.recipe.recipe import Recipe
from tests.support.builders import make_recipe_fields, refusal_of, write_recipe


def models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}.union(*(models_in(field.annotation) for field in annotation.model_fields.values()))
    return set().union(*(models_in(argument) for argument in typing.get_args(annotation)))


@pytest.mark.parametrize(
    ("location", "wrong", "nearest"),
    [
        ((), "teacher", "teachers"),
        (("data",), "max_promt_chars", "max_prompt_chars"),
        (("data", "train", "columns"), "lable", "label"),
        (("teachers", 0), "quantisation", "quantization"),
        (("training",), "epoch", "epochs"),
    ],
)
def test_parse_recipe_unknown_field_names_it_and_the_nearest(location, wrong, nearest):
    content: Any = make_recipe_fields() | {"training": {}}
    inner = content
    for part in location:
        inner = inner[part]
    inner[wrong] = 1
    message = refusal_of(content)
    assert f"{'.'.join(map(str, (*location, wrong)))}: unknown field. Did you mean {nearest!r}?" in message


def test_parse_recipe_wrong_value_names_field_value_and_rule():
    message = refusal_of(make_recipe_fields() | {"training": {"epochs": -2}})
    assert "training.epochs: -2 is refused" in message
    assert "greater than 0" in message


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            {"training": {"hidden_states": {"layers": "first"}}},
            "training.hidden_states.layers: 'first' is refused: Input should be 'even' or 'last', or a list.",
        ),
        (
            {"training": {"attention": {"layers": 3}}},
            "training.attention.layers: 3 is refused: Input should be 'even' or 'last', or a list.",
        ),
        (
            {"training": {"hidden_states": {"layers": [3, 1]}}},
            "training.hidden_states.layers: [3, 1] is refused: [3, 1] is not ascending: give each layer once",
        ),
        (
            {"student": {"model": "x/y", "cut": {"layers": "importance"}}},
            "student.cut.layers: 'importance' is refused: Input should be 'even', 'first', 'influence' or 'loss', or a",
        ),
        (
            {"student": {"model": "x/y", "cut": {"layers": [-1]}}},
            "student.cut.layers.0: -1 is refused: Input should be greater than or equal to 0.",
        ),
        ({"training": {"lora": 16}}, "training.lora: 16 is refused: Input should be a section, as {field: value}."),
    ],
)
def test_parse_recipe_field_of_words_or_a_list_has_one_line_that_names_both(section, said):
    message = refusal_of(make_recipe_fields() | section)
    assert said in message
    assert len(message.splitlines()) == 2


def test_parse_recipe_several_mistakes_names_all_at_once():
    message = refusal_of(make_recipe_fields() | {"training": {"epochs": -2, "batch_size": 0}, "name": "Not A Name"})
    assert all(name in message for name in ("training.epochs", "training.batch_size", "name: 'Not A Name'"))


def test_parse_recipe_missing_field_says_missing():
    content = make_recipe_fields()
    del content["student"]
    assert "student: missing" in refusal_of(content)


def test_parse_recipe_two_prompt_columns_names_the_rule():
    content = make_recipe_fields()
    content["data"]["train"]["columns"]["messages"] = "turns"
    assert "name exactly one of `text` and `messages`" in refusal_of(content)


@pytest.mark.parametrize("labels", [["only"], ["a", "a"], ["a", " "]])
def test_parse_recipe_single_or_repeated_labels_are_refused(labels):
    assert "labels" in refusal_of(make_recipe_fields() | {"skill": {"labels": labels}})


def test_parse_recipe_several_greedy_samples_are_refused():
    message = refusal_of(make_recipe_fields() | {"teachers": [{"model": "x/y", "sampling": {"n": 2}}]})
    assert "teachers.0.sampling" in message
    assert "raise the temperature" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parse_recipe_number_that_is_not_finite_is_refused(value):
    assert "training.learning_rate" in refusal_of(make_recipe_fields() | {"training": {"learning_rate": value}})
    assert "gate.rules.0.bound" in refusal_of(
        make_recipe_fields() | {"gate": {"rules": [{"metric": "a", "bound": value}]}}
    )


def test_load_recipe_invalid_yaml_is_refused(tmp_path):
    (tmp_path / "broken.yaml").write_text("name: [unclosed")
    with pytest.raises(RecipeError, match="not valid YAML"):
        load_recipe(str(tmp_path / "broken.yaml"))


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words", ""])
def test_load_recipe_not_a_mapping_is_refused(tmp_path, text):
    (tmp_path / "list.yaml").write_text(text)
    with pytest.raises(RecipeError, match="a recipe is a mapping"):
        load_recipe(str(tmp_path / "list.yaml"))


def test_load_recipe_binary_file_is_refused(tmp_path):
    (tmp_path / "model.yaml").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(RecipeError):
        load_recipe(str(tmp_path / "model.yaml"))


def test_load_recipe_unknown_name_names_the_nearest():
    with pytest.raises(RecipeError, match=r"(?s)No recipe 'demos'.*Did you mean 'demo'\?"):
        load_recipe("demos")


def test_load_recipe_unreachable_url_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="can't be read"):
        load_recipe(f"file://{tmp_path}/absent.yaml")


def test_load_recipe_unknown_protocol_is_refused():
    with pytest.raises(RecipeError, match="can't be read"):
        load_recipe("nosuch://somewhere/recipe.yaml")


def test_load_recipe_overrides_change_lists_and_missing_sections(tmp_path):
    overrides = {"teachers.0.sampling.temperature": 0.5, "training.epochs": 2, "name": "other"}
    recipe = load_recipe(write_recipe(tmp_path), overrides)
    assert (recipe.teacher.sampling.temperature, recipe.training.epochs, recipe.name) == (0.5, 2, "other")


def test_load_recipe_override_into_an_empty_section_is_accepted(tmp_path):
    recipe = load_recipe(
        write_recipe(tmp_path, make_recipe_fields() | {"gate": {}, "training": {}}), {"gate.rules": []}
    )
    assert recipe.gate.rules == ()


@pytest.mark.parametrize("dotted", ["teachers.3.model", "name.first", "teachers.0", "teachers.first.model"])
def test_load_recipe_override_outside_of_the_recipe_is_refused(tmp_path, dotted):
    with pytest.raises(RecipeError, match="does not fit the recipe"):
        load_recipe(write_recipe(tmp_path), {dotted: 1})


def test_load_recipe_override_of_a_section_says_what_to_set(tmp_path):
    with pytest.raises(RecipeError, match=r"set a field of a section, as teachers\.0\.model"):
        load_recipe(write_recipe(tmp_path), {"teachers.0": 1})


def test_load_recipe_override_of_unknown_field_names_the_nearest(tmp_path):
    with pytest.raises(RecipeError, match="Did you mean 'epochs'"):
        load_recipe(write_recipe(tmp_path), {"training.epoch": 2})


def test_load_recipe_section_of_comments_is_refused_and_takes_overrides(tmp_path):
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(make_recipe_fields()) + "training:\n  # epochs: 3\n")
    with pytest.raises(RecipeError, match="training"):
        load_recipe(str(tmp_path / "recipe.yaml"))
    assert load_recipe(str(tmp_path / "recipe.yaml"), {"training.epochs": 2}).training.epochs == 2


def test_load_recipe_relative_paths_are_resolved_from_its_folder(tmp_path, monkeypatch):
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "rows.jsonl").touch()
    (folder / "test.jsonl").touch()
    content = make_recipe_fields()
    content["data"]["test"] = {"path": ["test*.jsonl", "s3://bucket/test.jsonl"], "columns": {"text": "text"}}
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(write_recipe(folder, content))
    assert recipe.data.train.path == str(folder / "rows.jsonl")
    assert recipe.data.test.path == (str(folder / "test*.jsonl"), "s3://bucket/test.jsonl")
    assert recipe.teacher.model == str(folder / "teacher")
    assert recipe.main_student.model == "owner/student"


def test_load_recipe_demo_has_its_data():
    recipe = load_recipe("demo")
    sources = recipe.data.sources
    assert set(sources) == {"train", "examples", "test", "validation"}
    assert all(Path(source.path).is_file() for source in sources.values())


def test_recipe_models_are_frozen_and_forbid_unknown_fields():
    models = models_in(Recipe)
    assert len(models) > 12
    for model in models:
        assert model.model_config.get("frozen"), model
        assert model.model_config.get("extra") == "forbid", model
    recipe = parse_recipe(make_recipe_fields())
    with pytest.raises(ValidationError):
        recipe.name = "other"


def test_recipe_fields_each_have_a_description():
    undescribed = {
        f"{model.__name__}.{name}"
        for model in models_in(Recipe)
        for name, field in model.model_fields.items()
        if not field.description and not models_in(field.annotation)
    }
    assert undescribed <= {"Rule.op", "Rule.bound", "Evaluation.metrics"}


def test_parse_recipe_budget_with_replicas_is_refused():
    content: Any = make_recipe_fields() | {"budget": {"tokens": 1000}}
    parse_recipe(content)
    content["teachers"][0]["replicas"] = 2
    message = refusal_of(content)
    assert "budget needs a single engine" in message
    assert "Set replicas to 1" in message


def test_parse_recipe_budget_with_batches_is_refused():
    content: Any = make_recipe_fields() | {"budget": {"tokens": 1000}}
    content["teachers"][0] |= {"model": "gpt-4o", "accept_terms": "openai"}
    content["teachers"][0]["endpoint"] = {"provider": "openai", "execution": "batch"}
    message = refusal_of(content)
    assert "budget needs single requests" in message
    assert "Set teachers.0.endpoint.execution to realtime" in message


@pytest.mark.parametrize("budget", [{"usd": 0}, {"tokens": 0}, {"hours": -1}])
def test_parse_recipe_budget_of_zero_is_refused(budget):
    assert f"budget.{next(iter(budget))}" in refusal_of(make_recipe_fields() | {"budget": budget})


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("near_duplicate_threshold", "data.near_duplicate_similarity"),
        ("near_duplicate_threshold", "data.test_similarity"),
        ("contamination_ngram", "data.test_run_words"),
    ],
)
def test_parse_recipe_renamed_field_is_refused_with_its_new_name(old: str, now: str) -> None:
    fields = make_recipe_fields()
    fields["data"][old] = 1
    with pytest.raises(RecipeError, match=f"data.{old}: this field is now .*{now}"):
        parse_recipe(fields)


def test_parse_recipe_reasoning_before_a_label_is_refused():
    message = refusal_of(make_recipe_fields() | {"training": {"reasoning": "keep"}})
    assert "training.reasoning: keep teaches text before the answer" in message
