"""What a recipe will cost: the stages up to the teacher, a probe of it and of the judge, and a forecast."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from stillhouse.recipe.form import Size, recipe_changes
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.balance import balance_rows
from tasks.convert import load_judge, load_teachers
from tasks.forecast import forecast
from tasks.orchestration.preflight import start_run
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import join_prefect
from tasks.probe import probe_teachers
from tasks.probe_judge import probe_scores
from tasks.read import read_sources
from tasks.split import split_rows
from tasks.validate import validate_rows

# a form shows it as an empty field
NO_OVERRIDES: dict[str, Any] = {}


# an error is kept in Prefect's home whatever `persist_result` says, and would be pickled
@flow(name="plan", flow_run_name="plan-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
def plan(
    recipe: str = "demo",
    data: str = "",
    test_data: str = "",
    teacher: str = "",
    size: Size = "full",
    max_train_rows: Annotated[int, Field(ge=0, le=10_000_000)] = 0,
    overrides: dict[str, Any] = NO_OVERRIDES,
) -> dict[str, Any]:
    """Ask each teacher 32 prompts of a recipe, and forecast what a run will ask, take, cost and keep.

    Args:
        recipe: A recipe's name in deployments/recipes (such as demo), a path, or a URL (s3://bucket/recipe.yaml).
        data: Training prompts in place of the recipe's: a file, folder, glob or URL (s3://bucket/messages.jsonl) with
            the columns that the recipe names. Empty keeps the recipe's.
        test_data: Gold test rows in place of the recipe's. Empty keeps the recipe's.
        teacher: The teacher's model in place of the recipe's: a folder, a GGUF file or a hub name, or behind the
            recipe's endpoint its name there. Of several teachers it is the first. Empty keeps it.
        size: full is the recipe as it is; trial takes 1000 training and 200 test rows at most; smoke 100 and 50.
        max_train_rows: Rows that the teacher is asked about at most, 0 to 10000000; 0 sets no limit beside the size's.
        overrides: Any other recipe field for this plan, as {"budget.usd": 20}. Wins over the fields above.
    """
    join_prefect()
    form = recipe_changes(data=data, test_data=test_data, teacher=teacher, size=size, max_train_rows=max_train_rows)
    run = start_run(load_recipe(recipe, form | overrides), load_settings(), [])

    sources = read_sources(run)
    valid = validate_rows(run, sources)
    sides = split_rows(run, valid)
    balanced = balance_rows(run, sides)

    teachers, judge = load_teachers(run), load_judge(run)
    probes = probe_teachers(run, teachers, sides, balanced)
    scores = probe_scores(run, judge, teachers, probes, sides, balanced)
    return forecast(run, probes, scores, teachers, judge, sides, balanced).model_dump(mode="json")
