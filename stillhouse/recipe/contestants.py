"""The contestants of a race as recipes: what each of them would have a student learn from."""

from typing import Any

from pydantic import ValidationError

from stillhouse.errors import RecipeError, did_you_mean
from stillhouse.filters.combine import Mixing
from stillhouse.filters.settings import OFF, Filters
from stillhouse.recipe.race import Contestant, Race
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import Routing
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.prompts import TeacherPrompt

ALONE = "the recipe"  # the one contestant of a recipe with one teacher and no others named


def race_of(recipe: Recipe) -> Race:
    """Return the recipe's section `race`, or the usual one."""
    return recipe.race or Race()


def contestants_of(recipe: Recipe) -> tuple[Contestant, ...]:
    """Return who runs: those that the recipe names, else each of its teachers; one of a recipe with one teacher."""
    if found := race_of(recipe).contestants:
        return found
    if not recipe.has_several:
        return (Contestant(name=ALONE.replace(" ", "-")),)
    return tuple(Contestant(name=one.display_name[:40], teacher=one.display_name) for one in recipe.teachers)


def contestant_recipe(recipe: Recipe, contestant: Contestant) -> Recipe:
    """Return the recipe as a contestant changes it.

    It never ends a race for keeping too few answers, since a student shows what the rest is worth, and asks no teacher
    about labelled rows to check them.

    Raises:
        RecipeError: it names a teacher, a field of a prompt or of the filters that there is not, or a wrong value.
    """
    teachers = recipe.teachers
    # a slice is asked at once: it is smaller than a round
    changes: dict[str, Any] = {"rounds": None}
    if contestant.teacher:
        teachers = (_teacher_named(recipe, contestant),)
        evaluation = recipe.evaluation.model_copy(update={"teacher": ""})
        changes |= {"routing": Routing(), "mixing": Mixing(), "evaluation": evaluation}
    if contestant.prompt:
        teachers = tuple(_with_prompt(teacher, contestant) for teacher in teachers)
    filters = recipe.filters.model_dump() | contestant.filters | {"min_success_ratio": 0.0, "check_labels": False}
    checked: Filters = _checked(Filters, filters, contestant, "filters")
    return recipe.model_copy(update={"teachers": teachers, "filters": checked, **changes})


def _teacher_named(recipe: Recipe, contestant: Contestant) -> Teacher:
    known = {teacher.display_name: teacher for teacher in recipe.teachers}
    if contestant.teacher not in known:
        raise RecipeError(
            f"race: contestant {contestant.name} names the teacher {contestant.teacher!r}; the recipe has "
            f"{', '.join(known)}." + did_you_mean(contestant.teacher, known)
        )
    return known[contestant.teacher]


def _with_prompt(teacher: Teacher, contestant: Contestant) -> Teacher:
    fields = teacher.prompt.model_dump() | contestant.prompt
    return teacher.model_copy(update={"prompt": _checked(TeacherPrompt, fields, contestant, "prompt")})


def _checked(kind: Any, fields: dict[str, Any], contestant: Contestant, section: str) -> Any:
    """Return the section of a contestant; its first mistake is the error."""
    given = getattr(contestant, section)
    if unknown := [name for name in given if name not in kind.model_fields]:
        known = kind.model_fields
        hint = did_you_mean(unknown[0], known)
        # people name a filter by what the report counts, as well as by its field
        if section == "filters" and unknown[0] in OFF:
            hint = f" {unknown[0]} is set by {', '.join(OFF[unknown[0]])}."
        raise RecipeError(
            f"race: contestant {contestant.name} names {section}.{unknown[0]}, which there is not; {section} has "
            f"{', '.join(known)}.{hint}"
        )
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(name) for name in first["loc"])
        rule = first["msg"].removeprefix("Value error, ")
        raise RecipeError(f"race: contestant {contestant.name}, {section}.{where}: {rule}.") from None
