"""Reads a recipe from YAML, and turns every mistake into one line that says how to fix it."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import yaml
from pydantic import BaseModel, ValidationError

from stillhouse.errors import RecipeError, did_you_mean
from stillhouse.recipe.checks.recipe import find_problems
from stillhouse.recipe.checks.sweep import check_space
from stillhouse.recipe.overrides import overridden
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.written import compose, quoting_advice, written_at
from stillhouse.repository import ROOT
from stillhouse.skills.registry import SKILLS
from stillhouse.url_credentials import RULE, has_password, hide_passwords

_RENAMED = {
    "data.near_duplicate_threshold": "data.near_duplicate_similarity among training rows (null instead of 1 for exact "
    "duplicates alone), and data.test_similarity towards test rows",
    "data.contamination_ngram": "data.test_run_words (null switches it off)",
}
RECIPES = ROOT / "deployments" / "recipes"

# Pydantic's words for what YAML calls a list and a section
_WORDS = (
    (re.compile(r"Input should be a valid tuple"), "Input should be a list"),
    (
        re.compile(r"Input should be a valid dictionary( or instance of \w+)?"),
        "Input should be a section, as {field: value}",
    ),
)

Section = TypeVar("Section", bound=BaseModel)


def load_recipe(name: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """Return the recipe called `name`: a file of deployments/recipes, a path, or a URL.

    Relative paths in the recipe are resolved from its own folder.

    Args:
        name: recipe name, path or fsspec URL.
        overrides: dotted field -> value, as {"training.epochs": 2}.

    Raises:
        RecipeError: the recipe does not exist, is not YAML, or is invalid.
    """
    if has_password(name):
        raise RecipeError(f"Recipe {hide_passwords(name)} is refused: {RULE}.")
    location = find_recipe(name)
    try:
        with fsspec.open(location, "rt", encoding="utf-8") as stream:
            text = stream.read()
        fields, written = yaml.safe_load(text), compose(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"Recipe {location} is not valid YAML: {_explain_yaml(error)}") from None
    except _read_errors() as error:
        raise RecipeError(f"Recipe {location} can't be read: {error}") from error
    if not isinstance(fields, dict):
        raise RecipeError(f"Recipe {location} holds {type(fields).__name__}; a recipe is a mapping of fields.")
    fields = overridden(fields, overrides or {})
    recipe = parse_recipe(fields, location, written)
    if recipe.sweep:
        check_space(recipe.sweep, lambda changes: parse_recipe(overridden(fields, {**changes, "sweep": None})))
    return resolve_paths(recipe, location)


def find_recipe(name: str) -> str:
    """Return the path or URL that `name` means.

    Raises:
        RecipeError: there is no such recipe. The message names the nearest.
    """
    if "://" in name or Path(name).is_file():
        return name
    known = {path.stem: path for path in RECIPES.glob("*.yaml")}
    if name in known:
        return str(known[name])
    raise RecipeError(
        f"No recipe {name!r}: there is no such file in {Path.cwd()}, and the shipped recipes are "
        f"{', '.join(sorted(known))}." + did_you_mean(name, known)
    )


def parse_recipe(fields: dict[str, Any], location: str = "inline", written: yaml.Node | None = None) -> Recipe:
    """Return `fields` as a recipe; `written` is the document that they come from, for messages.

    Raises:
        RecipeError: the message names each wrong field, its value, the rule and the nearest valid name.
    """
    try:
        recipe = Recipe.model_validate(fields)
        problems = [_as_sentence(problem) for problem in find_problems(recipe)]
    except ValidationError as error:
        items = _innermost(error.errors(include_url=False, include_context=False))
        problems = [_explain(item, written) for item in items]
    if problems:
        raise RecipeError("\n  - ".join([f"Recipe {location} is refused:", *problems]))
    return recipe


def _as_sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def resolve_paths(recipe: Recipe, location: str) -> Recipe:
    """Return the recipe with absolute local paths; relative ones are resolved from the folder of `location`."""
    if "://" in location:
        return recipe
    folder = Path(location).absolute().parent

    def resolved(section: Section, field: str) -> Section:
        if getattr(section, "endpoint", None):  # its model's name is not a path, even if a folder has that name
            return section
        paths = getattr(section, field)
        path = _resolve(paths, folder) if isinstance(paths, str) else tuple(_resolve(path, folder) for path in paths)
        return section.model_copy(update={field: path})

    sources: dict[str, Any] = {role: resolved(source, "path") for role, source in recipe.data.sources.items()}
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update=sources),
            "teachers": tuple(resolved(teacher, "model") for teacher in recipe.teachers),
            "judge": recipe.judge and resolved(recipe.judge, "model"),
            "student": recipe.student and resolved(recipe.student, "model"),
            "students": tuple(resolved(student, "model") for student in recipe.students),
            "evaluation": recipe.evaluation.model_copy(
                update={"encoder": recipe.evaluation.encoder and resolved(recipe.evaluation.encoder, "model")}
            ),
        }
    )


def _resolve(path: str, folder: Path) -> str:
    """Return `path` as an absolute path in `folder` if something is there or it begins with a dot; else as it is."""
    if "://" in path or Path(path).is_absolute() or path.startswith("~"):
        return path
    inside = folder / path
    if not (path.startswith(".") or inside.exists() or any(folder.glob(path))):
        return path  # a model's name
    return str(inside if any(mark in path for mark in "*?[") else inside.resolve())


def _read_errors() -> tuple[type[Exception], ...]:
    """Return what reading a URL raises.

    ValueError: an unknown protocol, or bytes that are not UTF-8. ImportError: the protocol's package is not installed.
    """
    botocore = sys.modules.get("botocore.exceptions")  # S3's own errors, if its client is loaded
    return (OSError, ValueError, ImportError, *((botocore.BotoCoreError, botocore.ClientError) if botocore else ()))


def _explain_yaml(error: yaml.YAMLError) -> str:
    """Return what is wrong and where, without the line itself: it may hold a password."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    mark = error.problem_mark
    return f"{error.context or ''} {error.problem} at line {mark.line + 1}, column {mark.column + 1}".strip()


def _innermost(items: list[Any]) -> list[Any]:
    """Return the errors, without those of a section that only repeat that something inside of it is wrong."""

    def has_inner(location: tuple[Any, ...]) -> bool:
        return any(item["loc"][: len(location)] == location != item["loc"] for item in items)

    found = [item for item in items if not has_inner(item["loc"]) and not _is_other_branch(item)]
    takes_list = {item["loc"][:-1] for item in items if item["loc"] and "tuple[" in str(item["loc"][-1])}
    return [_with_list(item) if item["loc"][:-1] in takes_list else item for item in found]


def _is_other_branch(item: Any) -> bool:
    """Return whether the error is of a text where a list was given, or the reverse: a field took both."""
    last = str(item["loc"][-1]) if item["loc"] else ""
    if isinstance(item["input"], list):
        return last == "str" or last.startswith("literal[")
    return item["type"] == "tuple_type" and "tuple[" in last


def _with_list(item: Any) -> Any:
    """Return an error of a field that takes certain words or a list, with the list among what it takes."""
    return {**item, "msg": f"{item['msg']}, or a list"} if item["type"] == "literal_error" else item


def _explain(item: Any, written: yaml.Node | None) -> str:
    path = _path(item["loc"])
    if item["type"] == "extra_forbidden":
        if path in _RENAMED:
            return f"{path}: this field is now {_RENAMED[path]}."
        return f"{path}: unknown field." + did_you_mean(str(item["loc"][-1]), _fields_at(item["loc"][:-1]))
    if item["type"] == "union_tag_invalid":
        kind = hide_passwords(str(item["input"]["kind"]))
        return f"{path}.kind: {kind!r} is not a skill; known: {', '.join(SKILLS)}." + did_you_mean(kind, SKILLS)
    if item["type"] == "missing":
        return f"{path}: missing; the recipe needs it."
    rule = item["msg"].removeprefix("Value error, ")
    for pattern, words in _WORDS:
        rule = pattern.sub(words, rule)
    if not path:  # a rule about several fields names them, and the value would be the whole recipe
        return f"{rule}."
    if _is_section(item["input"]) or _may_be_secret(item["loc"]):
        return f"{path}: {rule}."
    said = written_at(written, item["loc"], item["input"])
    advice = quoting_advice(item["input"], said) if item["type"] == "string_type" else ""
    return f"{path}: {said or hide_passwords(repr(item['input']))} is refused: {rule}{advice}."


def _path(location: tuple[str | int, ...]) -> str:
    """Return the field at `location`.

    Pydantic places a skill's errors below its kind, those of a union below the type (`literal['even']`), and those of
    a sweep's values below their form; none of these is a field.
    """
    is_value = location[:2] == ("sweep", "space")
    return ".".join(
        str(name)
        for at, name in enumerate(location)
        if not (at == 1 and location[0] == "skill")
        and not (at == 3 and is_value and name in ("range", "list"))
        and name != "str"
        and "[" not in str(name)
    )


def _is_section(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def _may_be_secret(location: tuple[str | int, ...]) -> bool:
    """Return whether a user may have put a key there, which the message must not repeat."""
    return "endpoint" in location and location[-1] in ("api_key_env", "base_url", "extra_body")


def _fields_at(location: tuple[str | int, ...]) -> Iterable[str]:
    """Return the names of the fields at `location`; none if it is not a section."""
    model: Any = Recipe
    if location[:1] == ("skill",):
        model, location = SKILLS[str(location[1])], location[2:]
    for name in location:
        if isinstance(name, int):  # a place in a list
            continue
        field = model.model_fields.get(name) if model else None
        model = _model_in(field.annotation) if field else None
    return model.model_fields if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model that `annotation` names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, getattr(annotation, "__args__", ()))), None)
