"""Checks what a recipe exports before any work starts: the kinds, the families, and the packages that it takes."""

import subprocess
from collections.abc import Callable
from typing import Any

from stillhouse.errors import ModelError, RecipeError
from stillhouse.exports.ctranslate2.families import check_family
from stillhouse.exports.formats import FORMATS
from stillhouse.exports.gguf.families import family_of
from stillhouse.inference.loading import load_config
from stillhouse.recipe.export import Export
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.runtime.settings import Settings
from stillhouse.students.cutting.shape import narrowed
from tasks.orchestration.run_models import find_checkpoint

# what a format's own configuration says beyond its list of families
_CHECKS: dict[str, Callable[[Any], object]] = {"gguf": family_of, "ctranslate2": check_family}
_ASK = "import sys, importlib.metadata as m; print(*{d.metadata['Name'].lower() for d in m.distributions()})"


def check_exports(recipe: Recipe, settings: Settings) -> None:
    """Return if every entry of `export` can be made of a student, as far as its base shows.

    Raises:
        RecipeError: no student is of a kind or family that the format takes, or a package is missing.
    """
    taken = [(entry, _taken(index, entry, recipe, settings)) for index, entry in enumerate(recipe.export)]
    # encoders are served by what the engine environment has
    wanted = {name for entry, student in taken if not student.is_encoder for name in FORMATS[entry.format].packages}
    if wanted and (missing := sorted(wanted - _installed(settings))):
        formats = sorted({entry.format for entry, _ in taken if set(FORMATS[entry.format].packages) & set(missing)})
        raise RecipeError(
            f"export: {', '.join(formats)} needs {', '.join(missing)} in the engine environment; run `make export`."
        )


def _taken(index: int, entry: Export, recipe: Recipe, settings: Settings) -> Student:
    """Return the first student that the entry can be made of."""
    students = [one for one in recipe.all_students if entry.student in ("", one.display_name)]
    reasons = {one.display_name: _refusal(entry, one, settings) for one in students}
    for student in students:
        if not reasons[student.display_name]:
            return student
    told = "; ".join(f"{name}: {why}" for name, why in reasons.items())
    raise RecipeError(f"export.{index}: {entry.format} can be made of no student. {told}. Leave it out.")


def _refusal(entry: Export, student: Student, settings: Settings) -> str:
    """Return why the format does not take the student; empty if it does, as far as is known before training."""
    known, found = FORMATS[entry.format], find_checkpoint(student.model, student.revision, settings)
    if student.is_encoder or found.model.kind != "folder":
        # of a hub's model and of a GGUF file the family shows once it is there: the converter refuses it then
        return known.refusal(student.kind, "", entry.weights)
    config = load_config(found.path)
    if refusal := known.refusal(student.kind, config.model_type, entry.weights):
        return refusal
    try:
        _CHECKS.get(entry.format, _nothing_more)(narrowed(config, student.layers, student.cut))
    except ModelError as error:
        return str(error).removesuffix(".")
    return ""


def _nothing_more(config: Any) -> None:
    """Return: the list of families says it all."""


def _installed(settings: Settings) -> set[str]:
    """Return the names of the packages of the engine environment, in small letters."""
    command = [str(settings.engine_python), "-c", _ASK]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
