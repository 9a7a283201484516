import json

import pytest

from stillhouse.errors import ModelError
from stillhouse.recipe.load import parse_recipe
from stillhouse.students.preflight import check_served, check_student
from tests.support.builders import make_recipe_fields
from tests.support.families.families import LLAMA2, MISTRAL
from tests.support.model_folder import write_model_folder


def recipe_of(folder, **fields):
    return parse_recipe(make_recipe_fields({"model": str(folder)}, student={"model": str(folder)} | fields))


def check_both(folder, **fields):
    recipe = recipe_of(folder, **fields)
    check_served(str(folder), recipe.teacher, recipe.teacher.prompt.layout)
    check_student(str(folder), recipe)


def test_check_whole_folder_passes(tmp_path):
    check_both(write_model_folder(tmp_path / "m"), layers=10)


@pytest.mark.parametrize("template", [LLAMA2, MISTRAL])
def test_check_templates_without_an_answers_header_or_a_system_turn_pass(tmp_path, template):
    check_both(write_model_folder(tmp_path / "m", template))


def test_check_base_model_is_refused_with_advice_that_works(tmp_path):
    folder = write_model_folder(tmp_path / "m", None)
    recipe = recipe_of(folder)
    with pytest.raises(ModelError, match=r"no chat template.*prompt\.layout to text"):
        check_served(str(folder), recipe.teacher)
    check_served(str(folder), recipe.teacher, "text")
    with pytest.raises(ModelError, match=r"no chat template.*student\.chat_template to minimal"):
        check_student(str(folder), recipe)
    check_student(str(folder), recipe_of(folder, chat_template="minimal"))


def test_check_student_template_without_a_stop_token_is_refused_with_advice_that_works(tmp_path):
    template = "{% for m in messages %}{{ '<' + m.role + '>' + m.content }}{% endfor %}"
    folder = write_model_folder(tmp_path / "m", template)
    with pytest.raises(ModelError, match=r"would never stop.*minimal"):
        check_student(str(folder), recipe_of(folder))
    check_student(str(folder), recipe_of(folder, chat_template="minimal"))


def test_check_student_end_of_turn_that_generation_config_alone_names_is_enough(tmp_path):
    template = "{% for m in messages %}{{ m.content + '<|im_start|>' }}{% endfor %}"
    folder = write_model_folder(tmp_path / "m", template)
    ids = {
        token["content"]: token["id"] for token in json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    }
    (folder / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [ids["<|im_start|>"]], "temperature": 0.1})
    )
    check_student(str(folder), recipe_of(folder))


@pytest.mark.parametrize(("layers", "said"), [(31, "31.*30"), (1, "at least 2")])
def test_check_student_layers_that_can_not_be_are_refused(tmp_path, layers, said):
    folder = write_model_folder(tmp_path / "m")
    with pytest.raises(ModelError, match=said):
        check_student(str(folder), recipe_of(folder, layers=layers))


def test_check_served_broken_file_is_one_line(tmp_path):
    folder = write_model_folder(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ModelError, match="git lfs pull"):
        check_both(folder)
