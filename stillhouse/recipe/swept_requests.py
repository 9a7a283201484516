"""Which swept fields change what teachers and judge are asked."""

from typing import Any

from stillhouse.config import identity
from stillhouse.errors import RecipeError
from stillhouse.recipe.checks.sweep import is_in, tried_values
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.overrides import overridden
from stillhouse.recipe.recipe import Recipe

# what is said of fields whose values the recipe takes together with others alone
_ASKS = ("teachers", "routing", "judge", "data.max_train_rows", "data.balance")


def asking_fields(recipe: Recipe) -> list[str]:
    """Return the swept fields with which a trial may ask teachers or judge something else than the recipe does.

    Values between the ends of a range ask as these do.
    """
    fields = {**recipe.model_dump(mode="json"), "sweep": None}
    asked = _asked(recipe)

    def changes_it(path: str, value: Any) -> bool:
        try:
            return _asked(parse_recipe(overridden(fields, {path: value}))) != asked
        except RecipeError:
            return is_in(path, _ASKS)

    space = recipe.sweep.space if recipe.sweep else {}
    return [path for path, values in space.items() if any(changes_it(path, value) for value in tried_values(values))]


def _asked(recipe: Recipe) -> object:
    """Return what decides the requests of a recipe: who is asked about which rows, and for what."""
    data = recipe.data
    return identity(
        {
            "teachers": [recipe.asked_teacher(index) for index in range(len(recipe.teachers))],
            "routing": recipe.routing,
            "judge": recipe.judge if recipe.judge_chooses else None,
            "draws": recipe.token_draws,
            "rounds": _rounds(recipe),
            "rows": [data.max_train_rows, data.balance, recipe.training.use_references, recipe.filters.check_labels],
        }
    )


def _rounds(recipe: Recipe) -> object:
    """Return what decides which prompts a teacher is asked about in rounds, since a student chooses them."""
    if recipe.rounds is None:
        return None
    learnt = [recipe.rounds, recipe.filters, recipe.mixing, recipe.second_opinion]
    return [*learnt, recipe.main_student, recipe.training] if recipe.rounds_student == "main" else learnt
