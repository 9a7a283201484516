"""Refuses a sweep that can't be run as it is written, before anything is spent."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stillhouse.errors import RecipeError
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.sweep import Range, Sweep

# the sections whose fields may be swept: all else would change what is measured, or nothing
_SWEPT = (
    *("training", "student", "students", "filters", "mixing", "second_opinion"),
    *("teachers", "routing", "judge", "data.max_train_rows", "data.balance"),
)


def find_sweep_problems(recipe: Recipe) -> Iterator[str]:
    """Yield what of the section `sweep` contradicts the rest of the recipe."""
    sweep = recipe.sweep
    if sweep is None:
        return
    for path in sweep.space:
        if not is_in(path, _SWEPT):
            yield (
                f"sweep.space.{path}: trials would not be comparable, or not differ; fields of "
                f"{', '.join(_SWEPT)} can be swept"
            )
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
                raise RecipeError(f"sweep.space.{path}: the recipe refuses {value!r}: {why}") from None


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
    """Return the values of a list, or the ends of a range."""
    return (values.low, values.high) if isinstance(values, Range) else values


def is_in(path: str, sections: tuple[str, ...]) -> bool:
    """Return whether a path is one of the sections, or below one."""
    return any(f"{path}.".startswith(f"{section}.") for section in sections)
