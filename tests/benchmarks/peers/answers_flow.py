"""The flow of Stillhouse up to the teacher's answers."""

from typing import Any

from prefect import flow

from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_teachers
from tasks.generate import generate_with
from tasks.orchestration.preflight import start_run
from tasks.orchestration.run import join_prefect
from tests.support.stages import prepare_rows


@flow(name="answers", persist_result=False)
def answers(recipe: str) -> dict[str, Any]:
    """Return the summary of the stage that asks the teacher."""
    join_prefect()
    with start_run(load_recipe(recipe), load_settings(), []) as run:
        (teacher,) = load_teachers(run)
        return generate_with(run, 0, teacher, prepare_rows(run)).summary.to_record()
