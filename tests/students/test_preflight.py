import json
import re

import pytest
import yaml

from stillhouse.errors import ModelError
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.teacher import Output
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.qa import Qa
from stillhouse.students.preflight import check_served, check_student, check_untrained
from tests.support.builders import make_recipe_fields
from tests.support.families.families import LLAMA2, MISTRAL
from tests.support.model_folder import write_model_folder


def recipe_of(folder, **fields):
    return parse_recipe(make_recipe_fields({"model": str(folder)}, student={"model": str(folder)} | fields))


def check_model(folder, recipe):
    check_student(str(folder), recipe.main_student, recipe)


def check_both(folder, **fields):
    recipe = recipe_of(folder, **fields)
    check_served(str(folder), recipe.teacher, recipe.skill)
    check_model(folder, recipe)


def refusal_of(check, *arguments, **fields):
    """What a check refuses; empty if it passes."""
    try:
        check(*arguments, **fields)
    except ModelError as error:
        return str(error)
    return ""


def test_check_whole_folder_passes_and_layers_it_lacks_do_not(tmp_path):
    folder = write_model_folder(tmp_path / "m")
    assert refusal_of(check_both, folder, layers=10) == ""
    assert "student.layers is 31" in refusal_of(check_both, folder, layers=31)


@pytest.mark.parametrize("template", [LLAMA2, MISTRAL])
def test_check_templates_without_an_answers_header_or_a_system_turn_pass(tmp_path, template):
    assert refusal_of(check_both, write_model_folder(tmp_path / "m", template)) == ""


def test_check_base_model_is_refused_with_advice_that_works(tmp_path):
    folder = write_model_folder(tmp_path / "m", None)
    recipe = recipe_of(folder)
    with pytest.raises(ModelError, match=r"no chat template.*prompt\.layout to text"):
        check_served(str(folder), recipe.teacher, recipe.skill)
    continued = recipe.teacher.model_copy(update={"prompt": TeacherPrompt(layout="text")})
    check_served(str(folder), continued, recipe.skill)
    with pytest.raises(ModelError, match=r"no chat template.*student\.chat_template to minimal"):
        check_model(folder, recipe)
    check_model(folder, recipe_of(folder, chat_template="minimal"))


def test_check_student_template_without_a_stop_token_is_refused_with_advice_that_works(tmp_path):
    template = "{% for m in messages %}{{ '<' + m.role + '>' + m.content }}{% endfor %}"
    folder = write_model_folder(tmp_path / "m", template)
    with pytest.raises(ModelError, match=r"would never stop.*minimal"):
        check_model(folder, recipe_of(folder))
    check_model(folder, recipe_of(folder, chat_template="minimal"))


def test_check_student_end_of_turn_that_generation_config_alone_names_is_enough(tmp_path):
    template = "{% for m in messages %}{{ m.content + '<|im_start|>' }}{% endfor %}"
    folder = write_model_folder(tmp_path / "m", template)
    ids = {
        token["content"]: token["id"] for token in json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    }
    (folder / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [ids["<|im_start|>"]], "temperature": 0.1})
    )
    assert refusal_of(check_model, folder, recipe_of(folder)) == ""
    (folder / "generation_config.json").unlink()
    assert "would never stop" in refusal_of(check_model, folder, recipe_of(folder))


def test_check_student_shares_of_reasoning_need_a_place_in_the_template_or_in_the_text(tmp_path):
    folder = write_model_folder(tmp_path / "m")
    teacher = {"model": str(folder), "sampling": {"n": 2, "temperature": 0.5}}

    def mixing(place):
        training = {"reasoning": "mix", "reasoning_mix": {"place": place}}
        own = {"skill": {"kind": "math"}, "student": {"model": str(folder)}, "training": training}
        return parse_recipe(make_recipe_fields(teacher, **own))

    with pytest.raises(ModelError, match=r"no place for the reasoning before an answer.*reasoning_mix\.place: text"):
        check_model(folder, mixing("block"))
    check_model(folder, mixing("text"))


@pytest.mark.parametrize(("layers", "said"), [(31, "31.*30"), (1, "at least 2")])
def test_check_student_layers_that_can_not_be_are_refused(tmp_path, layers, said):
    folder = write_model_folder(tmp_path / "m")
    with pytest.raises(ModelError, match=said):
        check_model(folder, recipe_of(folder, layers=layers))


def test_check_served_broken_file_is_one_line(tmp_path):
    folder = write_model_folder(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ModelError, match="git lfs pull"):
        check_both(folder)


_TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>"
# as DeepSeek-R1's distillations open it, and as Qwen3's thinking can be switched off
OPENS = _TURNS + "<think>\n{% endif %}"
OPENS_UNLESS_OFF = _TURNS + "<think>\n{% if enable_thinking is false %}\n</think>\n\n{% endif %}{% endif %}"
OPENS_UNLESS_TOLD = _TURNS + "{{ '</think>' if thinking is defined and not thinking else '<think>' }}{% endif %}"


@pytest.mark.parametrize(
    ("template", "switch"), [(OPENS_UNLESS_OFF, "enable_thinking"), (OPENS_UNLESS_TOLD, "thinking")]
)
def test_check_served_reasoning_before_a_label_is_refused_with_advice_that_works(tmp_path, template, switch):
    folder = write_model_folder(tmp_path / "m", template)
    recipe = recipe_of(folder)
    judge = Judge(model=str(folder))
    for model in (recipe.teacher, judge):
        with pytest.raises(ModelError, match=rf"opens <think>.*chat_template_kwargs: \{{{switch}: false\}}") as caught:
            check_served(str(folder), model, recipe.skill)
        advice = yaml.safe_load(re.search(r"chat_template_kwargs: (\{.*?\})", str(caught.value))[1])
        check_served(str(folder), model.model_copy(update={"chat_template_kwargs": advice}), recipe.skill)


def test_check_served_reasoning_that_can_not_be_switched_off_is_refused_with_advice_that_works(tmp_path):
    folder = write_model_folder(tmp_path / "m", OPENS)
    recipe = recipe_of(folder)
    with pytest.raises(ModelError, match=r"opens <think>.*output\.kind: free"):
        check_served(str(folder), recipe.teacher, recipe.skill)
    check_served(str(folder), recipe.teacher.model_copy(update={"output": Output(kind="free")}), recipe.skill)
    # free answers are read behind the reasoning
    check_served(str(folder), recipe.teacher, Qa(kind="qa"))
    pattern = recipe.teacher.model_copy(update={"output": Output(kind="regex", regex="[a-z]+")})
    with pytest.raises(ModelError, match="opens <think>"):
        check_served(str(folder), pattern, Qa(kind="qa"))


def test_check_weights_that_lack_layers_are_refused_for_each_role(tmp_path):
    folder = write_model_folder(tmp_path / "m", num_hidden_layers=3)
    header = b'{"model.layers.0.w": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    recipe = recipe_of(folder)
    for check in (
        lambda: check_served(str(folder), recipe.teacher, recipe.skill),
        lambda: check_model(folder, recipe),
    ):
        with pytest.raises(ModelError, match="lack 2 of the 3 layers"):
            check()


# a template that refuses tool turns, as many do
_NO_TOOLS = (
    "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def test_check_student_rows_that_its_template_refuses_are_known_before_work(tmp_path):
    folder = write_model_folder(tmp_path / "m", _NO_TOOLS)
    recipe = recipe_of(folder)
    answer = [{"role": "assistant", "content": "sun"}]
    plain = {"prompt": [{"role": "user", "content": "weather?"}], "completion": answer}
    tools = {"prompt": [*plain["prompt"], {"role": "tool", "content": "sun"}], "completion": answer}
    for check in (
        lambda rows: check_student(str(folder), recipe.main_student, recipe, rows),
        lambda rows: check_untrained(str(folder), recipe, rows),
    ):
        check([plain])
        with pytest.raises(ModelError, match="no tools here"):
            check([plain, tools])
