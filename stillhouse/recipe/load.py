"""Reads a recipe from YAML and turns every mistake into one line that says how to fix it.

The command line, the flow and tests load recipes through the same door.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fsspec
import yaml
from pydantic import BaseModel, ValidationError

from stillhouse.errors import RecipeError, did_you_mean
from stillhouse.recipe.checks.recipe import find_problems
from stillhouse.recipe.data import Source
from stillhouse.recipe.recipe import Recipe
from stillhouse.repository import ROOT
from stillhouse.skills.registry import SKILLS
from stillhouse.url_credentials import RULE, has_password, hide_passwords

RECIPES = ROOT / "deployments" / "recipes"


def load_recipe(name: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """Return the recipe called `name` (a file of deployments/recipes), at a path, or behind a URL.

    Relative paths inside it are meant from the recipe's own folder.

    Args:
        name: recipe name, path or fsspec URL.
        overrides: dotted field -> value, as {"training.epochs": 2}.

    Raises:
        RecipeError: it is not there, is no YAML, or its model refuses it.
    """
    if has_password(name):
        raise RecipeError(f"Recipe {hide_passwords(name)} is refused: {RULE}.")
    location = find_recipe(name)
    try:
        with fsspec.open(location, "rt", encoding="utf-8") as stream:
            fields = yaml.safe_load(stream.read())
    except yaml.YAMLError as error:
        raise RecipeError(f"Recipe {location} is no valid YAML: {_explain_yaml(error)}") from None
    # ValueError: a protocol fsspec doesn't know, or bytes that are no UTF-8; ImportError: one whose package is absent
    except _transport_errors() as error:
        raise RecipeError(f"Recipe {location} can't be read: {error}") from error
    if not isinstance(fields, dict):
        raise RecipeError(f"Recipe {location} holds {type(fields).__name__}; a recipe is a mapping of fields.")
    for dotted, value in (overrides or {}).items():
        _override(fields, dotted, value)
    return resolve_paths(parse_recipe(fields, location), location)


def find_recipe(name: str) -> str:
    """Return the path or URL that `name` means.

    Raises:
        RecipeError: there is no such recipe; names the nearest.
    """
    if "://" in name or Path(name).is_file():
        return name
    known = {path.stem: path for path in RECIPES.glob("*.yaml")}
    if name in known:
        return str(known[name])
    raise RecipeError(
        f"No recipe {name!r}: no such file (from {Path.cwd()}), and the recipes here are {', '.join(sorted(known))}."
        + did_you_mean(name, known)
    )


def parse_recipe(fields: dict[str, Any], location: str = "inline") -> Recipe:
    """Return `fields` as a recipe.

    Raises:
        RecipeError: naming each wrong field, its value, the rule and the nearest valid name.
    """
    try:
        recipe = Recipe.model_validate(fields)
    except ValidationError as error:
        lines = [_explain(item) for item in _innermost(error.errors(include_url=False, include_context=False))]
        raise _refusal(location, lines) from None
    if problems := [f"{problem}." for problem in find_problems(recipe)]:
        raise _refusal(location, problems)
    return recipe


def _refusal(location: str, lines: list[str]) -> RecipeError:
    return RecipeError(f"Recipe {location} is refused:\n" + "\n".join(f"  - {line}" for line in lines))


def resolve_paths(recipe: Recipe, location: str) -> Recipe:
    """Return the recipe with relative local paths made absolute, from the recipe's folder or the working folder."""
    if "://" in location:
        return recipe
    folder = Path(location).absolute().parent

    def resolve(path: str) -> str:
        if "://" in path or Path(path).is_absolute() or path.startswith("~"):
            return path
        beside = folder / path
        is_path = path.startswith(".") or beside.exists() or any(folder.glob(path))
        return str(beside.resolve() if not any(mark in path for mark in "*?[") else beside) if is_path else path

    sources: dict[str, Source] = {
        role: source.model_copy(
            update={"path": resolve(source.path) if isinstance(source.path, str) else tuple(map(resolve, source.path))}
        )
        for role, source in recipe.data.sources.items()
    }
    judge = recipe.judge
    if judge and not judge.endpoint:
        judge = judge.model_copy(update={"model": resolve(judge.model)})
    return recipe.model_copy(
        update={
            "judge": judge,
            "data": recipe.data.model_copy(update=sources),
            "teachers": tuple(
                # behind an endpoint the name is no path, whatever lies beside the recipe
                t if t.endpoint else t.model_copy(update={"model": resolve(t.model)})
                for t in recipe.teachers
            ),
            "student": recipe.student.model_copy(update={"model": resolve(recipe.student.model)}),
        }
    )


def _transport_errors() -> tuple[type[Exception], ...]:
    botocore = sys.modules.get("botocore.exceptions")  # S3's own, where its client was loaded
    return (OSError, ValueError, ImportError, *((botocore.BotoCoreError, botocore.ClientError) if botocore else ()))


def _override(fields: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    place: Any = fields
    for part in parents:
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict):
            # a part that holds comments only is null in YAML
            place[part] = place.get(part) if place.get(part) is not None else {}
            place = place[part]
        else:
            raise RecipeError(f"Override {dotted!r} does not fit the recipe: {part!r} is not in it.")
    if not isinstance(place, dict):
        raise RecipeError(f"Override {dotted!r} does not fit the recipe: {last!r} has no place there.")
    place[last] = value


def _explain_yaml(error: yaml.YAMLError) -> str:
    """Return what is wrong and where, without the line itself: it may hold a password."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    mark = error.problem_mark
    return f"{error.context or ''} {error.problem} at line {mark.line + 1}, column {mark.column + 1}".strip()


def _innermost(items: list[Any]) -> list[Any]:
    """Return the errors without those of a part that only repeat, with all it holds, that something in it is wrong."""
    places = [item["loc"] for item in items]
    return [
        item
        for item in items
        if not any(place[: len(item["loc"])] == item["loc"] and place != item["loc"] for place in places)
    ]


def _explain(item: Any) -> str:
    # a skill's errors are placed below its kind, which is no field
    named = tuple(part for place, part in enumerate(item["loc"]) if not (place == 1 and item["loc"][0] == "skill"))
    path = ".".join(str(part) for part in named)
    if item["type"] == "extra_forbidden":
        return f"{path}: unknown field." + did_you_mean(str(item["loc"][-1]), _fields_at(item["loc"][:-1]))
    if item["type"] == "union_tag_invalid":
        kind = hide_passwords(str(item["input"]["kind"]))
        return f"{path}.kind: {kind!r} is no skill; known: {', '.join(SKILLS)}." + did_you_mean(kind, SKILLS)
    if item["type"] == "missing":
        return f"{path}: missing; the recipe needs it."
    rule = item["msg"].removeprefix("Value error, ")
    if not path:  # fields that don't go together: the rule names them, and the value would be the whole recipe
        return f"{rule}."
    if _is_part(item["input"]) or _may_be_secret(item["loc"]):
        return f"{path}: {rule}."
    return f"{path}: {hide_passwords(repr(item['input']))} is refused: {rule}."


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def _may_be_secret(location: tuple[str | int, ...]) -> bool:
    """Return whether a user may have put a key there, which must not be repeated."""
    return "endpoint" in location and location[-1] in ("api_key_env", "base_url", "extra_body")


def _fields_at(location: tuple[str | int, ...]) -> Iterable[str]:
    model: Any = Recipe
    if location[:1] == ("skill",):
        model, location = SKILLS[str(location[1])], location[2:]
    for part in location:
        if isinstance(part, int):
            continue
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or part not in model.model_fields:
            return []
        model = _model_in(model.model_fields[part].annotation)
    return model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None
