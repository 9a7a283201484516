"""The end of a run whose student passed its gate: it is registered, and people are asked."""

from prefect import flow

from stillhouse.recipe.load import parse_recipe
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import load_settings
from tasks.orchestration.run import Run, join_prefect
from tasks.promote import promote_student
from tests.support.builders import make_recipe_fields
from tests.support.registry import content, report


@flow(name="promoting", persist_result=False)
def promoting(approval: str = "none", passed: bool = True, mark: str = "a") -> None:
    """Register the student `mark` and have it promoted as flows/distill.py does."""
    join_prefect()
    fields = make_recipe_fields(gate={"approval": approval})
    recipe = parse_recipe(fields)
    with Run(recipe, load_settings(), frozenset(), id="demo-1") as run:
        version = ModelRegistry(run.store).register(
            content(mark, gate="passed" if passed else "refused", recipe=fields), who="a run"
        )
        promote_student(run, report(mark, gate=passed), version)
