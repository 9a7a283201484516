"""The few choices of a form or a command line, as changes to a recipe.

Separate because the Prefect form, the command line and tests offer the same choices.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from stillhouse.errors import RecipeError

Size = Literal["full", "trial", "smoke"]
StageName = Literal[
    "read",
    "validate",
    "split",
    "balance",
    "convert",
    "initialise",
    "route",
    "generate",
    "mix",
    "judge",
    "filter",
    "train",
    "evaluate",
    "judge_pairs",
]
Preset = dict[str, Any]

SIZES: dict[Size, Preset] = {
    "full": {},
    "trial": {"data.max_train_rows": 1000, "data.max_test_rows": 200},
    "smoke": {"data.max_train_rows": 100, "data.max_test_rows": 50, "training.max_steps": 10},
}


def recipe_changes(
    *,
    data: str = "",
    test_data: str = "",
    teacher: str = "",
    student: str = "",
    size: Size = "full",
    max_train_rows: int = 0,
) -> dict[str, Any]:
    """Return dotted recipe field -> value for what was chosen; an empty text or 0 leaves the recipe as it is."""
    chosen = {
        "data.train.path": data,
        "data.test.path": test_data,
        "teachers.0.model": teacher,
        "student.model": student,
        "data.max_train_rows": max_train_rows,
    }
    return SIZES[size] | {field: value for field, value in chosen.items() if value}


def stages_named(names: Sequence[str]) -> list[StageName]:
    """Return the names as stages.

    Raises:
        RecipeError: there is no such stage.
    """
    stages = {str(stage): stage for stage in get_args(StageName)}
    for name in names:
        if name not in stages:
            raise RecipeError(f"refresh names {name!r}; the stages are {', '.join(stages)}.")
    return [stages[name] for name in names]
