"""Checks what a run needs before any work starts, and makes the run."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from prefect.runtime import flow_run

from stillhouse.artifacts.preflight import check_store
from stillhouse.artifacts.store import open_store
from stillhouse.costs.price import resolve_price
from stillhouse.errors import ModelError, RecipeError
from stillhouse.inference.api.credentials import read_api_key, read_secret_headers
from stillhouse.inference.encoder.files import find_encoder, why_none
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.runtime.settings import Settings
from stillhouse.students.encoder.base import check_encoder
from stillhouse.students.preflight import check_served, check_student
from stillhouse.teachers.label_tokens import check_label_scores
from tasks.orchestration.engine_check import check_engines
from tasks.orchestration.export_check import check_exports
from tasks.orchestration.model_pins import with_commits
from tasks.orchestration.passed_checks import check_once, folder_state
from tasks.orchestration.run import Run
from tasks.orchestration.run_models import find_checkpoint
from tasks.orchestration.training_check import check_training


def start_run(recipe: Recipe, settings: Settings, refresh: Sequence[str], *, is_plan: bool = False) -> Run:
    """Return a new run, after a check of the store: Prefect takes an unreachable store for a cache miss.

    Its recipe names the commits of models that a hub holds.

    Raises:
        StoreError: the store can't be used.
        ModelError: a teacher, the judge, the student's base or the encoder is not there, or its files can't be used.
        RecipeError: the key of an endpoint is not set, a budget in dollars has no price to count with, no teacher says
            how probable it finds each label, which a student is to learn, a student can't be trained so on this
            machine, vLLM refuses the settings of an engine, or a student can't be exported as the recipe asks.
    """
    check_store(settings.store)
    _check_price(recipe)
    check_training(recipe, settings)
    _check_models(recipe, settings)
    # after the models of this machine: a hub is slower to ask
    recipe = with_commits(recipe, open_store(settings.store), is_plan=is_plan)
    check_engines(recipe, settings)
    check_exports(recipe, settings)
    return Run(recipe=recipe, settings=settings, refresh=frozenset(refresh), id=run_id(recipe.name))


def start_offline(recipe: Recipe, settings: Settings) -> Run:
    """Return a run for a plan that asks no model: neither keys nor commits are looked up.

    Raises:
        StoreError: the store can't be used.
    """
    check_store(settings.store)
    # of its own: a plan may have two of them, and each notes what it uses
    return Run(recipe=recipe, settings=settings, refresh=frozenset(), id=f"{run_id(recipe.name)}-{uuid4().hex[:8]}")


def _check_models(recipe: Recipe, settings: Settings) -> None:
    # a model that is not there, or whose key is not set, must not show after an hour of other work
    in_folders: list[ServedModel] = []
    for model in recipe.served_models.values():
        if model.endpoint:
            read_api_key(model.endpoint, os.environ)
            read_secret_headers(model.endpoint, os.environ)
        elif folder := _folder_of(model, settings):
            check_served(folder, model, recipe.skill)
            in_folders.append(model.model_copy(update={"model": folder}))
    if recipe.learns_probabilities:
        check_label_scores(recipe, [one for one in in_folders if isinstance(one, Teacher)])
    if recipe.uses_encoder:
        _check_sentence_encoder(recipe)
    for student in recipe.all_students:
        if student.is_encoder:
            _check_encoder(student, settings)
        elif folder := _folder_of(student, settings):
            check_student(folder, student, recipe)


def _check_sentence_encoder(recipe: Recipe) -> None:
    files = find_encoder(recipe.evaluation.encoder)
    if files:
        SentenceEncoder(files)
    elif recipe.second_opinion or recipe.rounds_student == "encoder":
        what = "second_opinion" if recipe.second_opinion else "rounds"
        raise ModelError(
            f"{what}: {why_none(recipe.evaluation.encoder)}; or name one in evaluation.encoder, or leave {what} out."
        )


def _check_encoder(student: Student, settings: Settings) -> None:
    found = find_checkpoint(student.model, student.revision, settings)
    if found.model.kind == "gguf":
        raise ModelError(
            f"Student {student.display_name} of kind encoder is the file {student.model}: an encoder is a folder with "
            "config.json, tokenizer.json and *.safetensors, or a hub's owner/name."
        )
    if found.model.kind == "folder":
        check_once(settings, ["encoder", folder_state(found.path)], lambda: check_encoder(found.path))


def _folder_of(model: ServedModel | Student, settings: Settings) -> str | None:
    """Return the folder that holds the model; None if it is a file or a hub's."""
    found = find_checkpoint(model.model, model.revision, settings)
    return found.path if found.model.kind == "folder" else None


def _check_price(recipe: Recipe) -> None:
    if recipe.rounds and recipe.rounds.gain_per == "usd" and not resolve_price(recipe.teacher, recipe.costs).is_known:
        raise RecipeError(
            f"rounds.gain_per: usd needs a price, and none of {recipe.teacher.model} is known. Set teachers.0.price or "
            "costs.teacher_usd_per_hour, or take thousand_requests."
        )
    for field, model in recipe.served_models.items():
        if recipe.budget.usd is not None and not resolve_price(model, recipe.costs).is_known:
            raise RecipeError(
                f"budget.usd: {recipe.budget.usd:g} can't be held, since no price of {model.model} is known. Set "
                f"{field}.price or costs.teacher_usd_per_hour, or limit budget.tokens or budget.hours "
                "instead."
            )


def run_id(name: str) -> str:
    """Return the id of a run that begins now, and of every retry of it."""
    # a retry of a Prefect run is the same run, and overwrites its own folder
    unique = str(flow_run.get_id() or uuid4())[:8]
    started = flow_run.get_scheduled_start_time() or datetime.now(UTC)
    return f"{name}-{started:%Y%m%d-%H%M%S}-{unique}"
