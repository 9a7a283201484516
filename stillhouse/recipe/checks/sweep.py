"""Refuses a sweep that can't be run as it is written, before anything is spent."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stillhouse.errors import RecipeError, did_you_mean
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.sweep import Range, Sweep

# the sections whose fields may be swept: all else would change what is measured, or nothing
_SWEPT = (
    *("training", "student", "students", "filters", "mixing", "second_opinion"),
    *("teachers", "routing", "judge", "data.max_train_rows", "data.balance"),
)

# part of a range at which a number between its ends is tried: 1 less the golden ratio
_BETWEEN = 0.381966


def find_sweep_problems(recipe: Recipe) -> Iterator[str]:
    """Yield what of the section `sweep` contradicts the rest of the recipe."""
    sweep = recipe.sweep
    if sweep is None:
        return
    for path in sweep.space:
        if (problem := _place_problem(path)) is not None:
            yield problem
        if others := [other for other in sweep.space if other.startswith(f"{path}.")]:
            yield f"sweep.space: {path} and {', '.join(others)} set the same field; leave one out"
    names = recipe.skill.metric_names()
    if sweep.objective and sweep.objective not in names:
        known = f"choose among those of skill {recipe.skill.kind}: {', '.join(names)}"
        yield f"sweep.objective: {sweep.objective!r} is not measured; {known}"
    if sweep.budget.usd is not None and None in (
        recipe.costs.training_usd_per_hour,
        recipe.costs.evaluation_usd_per_hour,
    ):
        yield (
            f"sweep.budget.usd: {sweep.budget.usd:g} can't be held without costs.training_usd_per_hour and "
            "costs.evaluation_usd_per_hour: set them, or limit sweep.budget.hours"
        )


def check_space(sweep: Sweep, parse: Callable[[Mapping[str, Any]], object]) -> None:
    """Return if the recipe takes every value of the space, each by itself; `parse` makes the recipe with changes.

    Raises:
        RecipeError: a path names no field, or the recipe refuses a value.
    """
    for path, values in sweep.space.items():
        for value in tried_values(values):
            try:
                parse({path: value})
            except RecipeError as error:
                lines = [line.removeprefix("- ") for line in map(str.strip, str(error).splitlines())]
                why = " ".join(lines[1:] or lines)
                raise RecipeError(
                    f"sweep.space.{path}: the recipe refuses {value!r}: {why}{_whole_advice(values, value)}"
                ) from None


def _place_problem(path: str) -> str | None:
    """Return why the field at a path can't be swept; None if it can, as far as its section says."""
    if is_in(path, _SWEPT):
        return None
    section = path.partition(".")[0]
    can = f"fields of {', '.join(_SWEPT)} can be swept."
    if section not in Recipe.model_fields:
        hint = did_you_mean(section, [name.partition(".")[0] for name in _SWEPT])
        return f"sweep.space.{path}: the recipe has no section {section!r}; {can}{hint}"
    return f"sweep.space.{path}: trials would not be comparable, or not differ; {can}{did_you_mean(path, _SWEPT)}"


def _whole_advice(values: Range | tuple[Any, ...], value: Any) -> str:
    """Return what to do where only whole numbers are taken, and a range holds others."""
    if not isinstance(values, Range) or values.is_whole or value in (values.low, values.high):
        return ""
    return " Where only whole numbers are taken, write low, high and step as such, without a point."


def sweep_of(recipe: Recipe) -> Sweep:
    """Return the recipe's section `sweep`.

    Raises:
        RecipeError: it has none.
    """
    if recipe.sweep is None:
        raise RecipeError(
            f"Recipe {recipe.name} has no section `sweep`: write one, as "
            "sweep: {space: {training.epochs: [1, 2]}}, or name a file that holds it with --space."
        )
    return recipe.sweep


def tried_values(values: Range | tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of a list, or the ends of a range and, if not all its numbers are whole, one between."""
    if not isinstance(values, Range):
        return values
    if values.is_whole:
        return (values.low, values.high)
    # with a step the next value, else one that is whole by no chance
    step = values.step or (values.high - values.low) * _BETWEEN
    return (values.low, values.high, values.low + step)


def is_in(path: str, sections: tuple[str, ...]) -> bool:
    """Return whether a path is one of the sections, or below one."""
    return any(f"{path}.".startswith(f"{section}.") for section in sections)
