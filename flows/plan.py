"""What a recipe will cost: the stages up to the teacher, a probe of it and of the judge, and a forecast."""

from typing import Any

from prefect import flow

from stillhouse.planning.most import as_servers
from stillhouse.recipe import form
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.runtime.unexpected import one_line_errors
from tasks.balance import Rows, balance_rows
from tasks.convert import load_judge, load_teachers
from tasks.forecast import forecast, forecast_offline
from tasks.initialise import try_students
from tasks.orchestration.preflight import start_offline, start_run
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import Run, join_prefect
from tasks.probe import list_requests, probe_teachers
from tasks.probe_judge import probe_scores
from tasks.read import read_sources
from tasks.split import split_rows
from tasks.validate import validate_rows

# a form shows it as an empty field
NO_OVERRIDES: dict[str, Any] = {}


# an error is kept in Prefect's home whatever `persist_result` says, and would be pickled
@flow(name="plan", flow_run_name="plan-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
@form.describe_inputs
@one_line_errors("plan")
def plan(
    recipe: form.RecipeInput = "demo",
    data: form.DataInput = "",
    test_data: form.TestDataInput = "",
    teacher: form.TeacherInput = "",
    size: form.SizeInput = "full",
    max_train_rows: form.MaxTrainRowsInput = 0,
    offline: form.OfflineInput = False,
    overrides: form.OverridesInput = NO_OVERRIDES,
) -> dict[str, Any]:
    """Send 32 prompts of a recipe to each teacher, and forecast what a run will request, take, cost and keep."""
    join_prefect()
    changes = form.recipe_changes(
        data=data, test_data=test_data, teacher=teacher, size=size, max_train_rows=max_train_rows
    )
    found, settings = load_recipe(recipe, changes | overrides), load_settings()
    if offline:
        with start_offline(found, settings) as run, start_offline(as_servers(found), settings) as listing:
            rows = prepare_rows(run)
            return forecast_offline(run, rows, list_requests(listing, rows)).model_dump(mode="json")
    with start_run(found, settings, [], is_plan=True) as run:
        return run_stages(run)


def prepare_rows(run: Run) -> Rows:
    """Run the stages up to the rows that teachers answer, and return these."""
    sources = read_sources(run)
    valid = validate_rows(run, sources)
    splits = split_rows(run, valid)
    rows = balance_rows(run, valid, splits)
    try_students(run, rows)
    return rows


def run_stages(run: Run) -> dict[str, Any]:
    """Run the stages of a plan in order, and return the forecast."""
    rows = prepare_rows(run)
    teachers, judge = load_teachers(run), load_judge(run)
    probes = probe_teachers(run, teachers, rows)
    scores = probe_scores(run, judge, teachers, probes, rows)
    return forecast(run, rows, teachers, probes, judge, scores).model_dump(mode="json")
