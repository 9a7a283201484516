"""Changes of single fields of a recipe that is not parsed yet, by their path."""

import copy
from collections.abc import Mapping
from typing import Any

from stillhouse.errors import RecipeError


def overridden(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a recipe's `fields` with other values; `changes` are dotted field -> value.

    A field of `student` is of the first one in a recipe with several.

    Raises:
        RecipeError: a path leads through something that is no section.
    """
    found = copy.deepcopy(dict(fields))
    for dotted, value in changes.items():
        _override(found, _of_main_student(dotted, found), copy.deepcopy(value))
    return found


def value_at(fields: Mapping[str, Any], dotted: str) -> Any:
    """Return what a recipe's `fields` hold at a path; None if nothing is written there."""
    section: Any = fields
    for name in _of_main_student(dotted, fields).split("."):
        if isinstance(section, list) and name.isdigit() and int(name) < len(section):
            section = section[int(name)]
        else:
            section = section.get(name) if isinstance(section, dict) else None
    return section


def _of_main_student(dotted: str, fields: Mapping[str, Any]) -> str:
    section, _, rest = dotted.partition(".")
    return f"students.0.{rest}" if section == "student" and rest and fields.get("students") else dotted


def _override(fields: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    # no section of a recipe has fields that are numbers: it would be made, and refused as a section
    if parents and [*parents, last][1].isdigit() and not isinstance(fields.get(parents[0]), list):
        raise RecipeError(f"Override {dotted!r} does not fit the recipe: it has no list {parents[0]!r}.")
    section: Any = fields
    for name in parents:
        if isinstance(section, list) and name.isdigit() and int(name) < len(section):
            section = section[int(name)]
        elif isinstance(section, dict):
            # a section that holds only comments is null in YAML
            section[name] = {} if section.get(name) is None else section[name]
            section = section[name]
        else:
            raise RecipeError(f"Override {dotted!r} does not fit the recipe: it has no {name!r} there.")
    if not isinstance(section, dict):
        raise RecipeError(
            f"Override {dotted!r} does not fit the recipe: set a field of a section, as teachers.0.model."
        )
    section[last] = value
