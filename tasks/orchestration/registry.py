"""The stages that a run can build again: the files of tasks/, since a file is named as its stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from stillhouse.errors import RecipeError
from stillhouse.recipe.form import REFRESH

# tasks of a run that keep no artifact
ALWAYS_BUILT = ("champion_event", "forecast", "gate_event", "promote", "register", "report", "state_origin")
# stages of a plan, which has no `refresh`
PLAN_ONLY = ("probe", "probe_judge", "shortlist")
# stages of a sweep's trials, which are stored by their values
SWEEP_ONLY = ("evaluate_trial", "trial_rows")
# stages of a race, likewise
RACE_ONLY = ("race_half", "race_slice", "race_students")
_FILES = sorted(path.stem for path in Path(__file__).parents[1].glob("*.py"))
REFRESHABLE = tuple(name for name in _FILES if name not in (*ALWAYS_BUILT, *PLAN_ONLY, *SWEEP_ONLY, *RACE_ONLY))


def stages_named(names: Sequence[str]) -> list[str]:
    """Return the names, each of which is a stage that a run can build again.

    Raises:
        RecipeError: a run has no such stage, or builds it every time.
    """
    for name in names:
        if name not in REFRESHABLE:
            why = ", which every run builds anyway" if name in ALWAYS_BUILT else ""
            raise RecipeError(f"refresh names {name!r}{why}; the stages are {', '.join(REFRESHABLE)}.")
    return list(names)


StageName = Annotated[str, Field(json_schema_extra={"enum": list(REFRESHABLE)})]
RefreshInput = Annotated[list[StageName], AfterValidator(stages_named), REFRESH]
