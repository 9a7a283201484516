"""Which teacher, prompt and filters make the best student, and what each filter is worth to it."""

from typing import Any

from prefect import flow

from stillhouse.recipe import form
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.runtime.unexpected import one_line_errors
from tasks.balance import balance_rows
from tasks.orchestration.preflight import start_run
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import Run, join_prefect
from tasks.racing.contest import contest_of
from tasks.racing.filters import measure_filters
from tasks.racing.plan import check_own_student, plan_race
from tasks.racing.report import write_race
from tasks.racing.rounds import run_rounds
from tasks.read import read_sources
from tasks.split import split_rows
from tasks.validate import validate_rows

# a form shows it as an empty field
NO_OVERRIDES: dict[str, Any] = {}


# an error is kept in Prefect's home whatever `persist_result` says, and would be pickled
@flow(name="race", flow_run_name="race-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
@form.describe_inputs
@one_line_errors("race")
def race(
    recipe: form.RecipeInput = "demo",
    data: form.DataInput = "",
    teacher: form.TeacherInput = "",
    student: form.StudentInput = "",
    size: form.SizeInput = "full",
    max_train_rows: form.MaxTrainRowsInput = 0,
    only_plan: form.OnlyPlanInput = False,
    overrides: form.OverridesInput = NO_OVERRIDES,
) -> dict[str, Any]:
    """Compare teachers, prompts and filters by the students that they make, and measure what each filter is worth."""
    join_prefect()
    changes = form.recipe_changes(data=data, teacher=teacher, student=student, size=size, max_train_rows=max_train_rows)
    with start_run(load_recipe(recipe, changes | overrides), load_settings(), []) as run:
        return run_stages(run, only_plan=only_plan)


def run_stages(run: Run, *, only_plan: bool) -> dict[str, Any]:
    """Run the stages of a race in order, and return its plan, and its id and report unless the plan alone is wanted."""
    contest = contest_of(run.recipe)
    sources = read_sources(run)
    valid = validate_rows(run, sources)
    splits = split_rows(run, valid)
    rows = balance_rows(run, valid, splits)

    plan = plan_race(run, contest, rows)
    if only_plan:
        return {"plan": plan}
    check_own_student(run, contest)
    outcome = run_rounds(run, contest, rows)
    filters = measure_filters(run, contest, outcome)
    report = write_race(run, contest, plan, outcome, filters)
    return {"plan": plan, "run_id": run.id, "report": report.model_dump(mode="json")}
