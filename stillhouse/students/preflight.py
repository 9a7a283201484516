"""Checks local models before work starts, so that none fails after its teacher was paid or its training ran."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.inference.loading import load_config, load_tokenizer
from stillhouse.inference.model_files import check_layers_present, check_model_files
from stillhouse.inference.vllm.chat_template import fix_settings, settings_of
from stillhouse.inference.vllm.held_answers import check_held, is_held
from stillhouse.inference.vllm.request import NO_TEMPLATE
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.skills.skill import Skill
from stillhouse.students.cutting.shape import check_cut
from stillhouse.students.generation_config import read_generation_config
from stillhouse.students.minimal_template import give_template
from stillhouse.students.row_sample import try_rows
from stillhouse.students.served_template import prepare_template
from stillhouse.students.spec import InitialiseSpec
from stillhouse.students.tokens import stop_ids

_SAMPLE = (
    {
        "prompt": [{"role": "user", "content": "What is it?"}],
        "completion": [{"role": "assistant", "content": "Something"}],
    },
)


def check_served(folder: str, model: ServedModel, skill: Skill) -> None:
    """Refuse a teacher or judge that an engine can't load or whose prompts can't be written.

    Raises:
        ModelError: a file is not what its name says, weights are missing, the configuration or tokenizer can't be read,
            there is no chat template for a prompt of messages, or it begins with reasoning where decoding holds
            answers to a form.
    """
    check_model_files(Path(folder))
    check_layers_present(Path(folder), load_config(folder))
    tokenizer = load_tokenizer(folder)
    if isinstance(model, Teacher) and model.prompt.layout == "text":
        return
    if not tokenizer.chat_template:
        raise ModelError(f"{folder}: {NO_TEMPLATE}")
    fix_settings(tokenizer, settings_of(model))
    if is_held(model, skill):
        check_held(tokenizer, model.model)


def check_student(folder: str, student: Student, recipe: Recipe, sample: Iterable[dict[str, Any]] = _SAMPLE) -> None:
    """Refuse a student's base model that can't be cut, or whose template can't be trained on with the rows of `sample`.

    Raises:
        ModelError: as `check_served`, or the layers can't be cut, or a training example can't be made.
    """
    check_model_files(Path(folder))
    config, tokenizer = load_config(folder), load_tokenizer(folder)
    check_layers_present(Path(folder), config)
    if student.is_cut:
        check_cut(config, student.layers, student.cut)
    stops = stop_ids(read_generation_config(folder, config), tokenizer)
    give_template(tokenizer, student.model, is_minimal=student.template is not None, stops=stops)
    settings = settings_of(student).model_dump()
    reasoning = recipe.training.reasoning_identity
    spec = InitialiseSpec.model_validate({"base_model": folder, "out": folder, **reasoning, **settings})
    prepare_template(tokenizer, spec)
    try_rows(tokenizer, sample, stops, with_reasoning=spec.reasoning == "keep")


def check_untrained(folder: str, recipe: Recipe, sample: Iterable[dict[str, Any]]) -> None:
    """Refuse a student that was made for other rows, and whose chat template does not fit those of `sample`.

    Raises:
        ModelError: a training example can't be made.
    """
    config, tokenizer = load_config(folder), load_tokenizer(folder)
    stops = stop_ids(read_generation_config(folder, config), tokenizer)
    try_rows(tokenizer, sample, stops, with_reasoning=recipe.training.teaches_reasoning)
