"""A sweep: many trials of one recipe on one data set, and a distillation by the best of them."""

import logging
from typing import Any

from prefect import flow

from flows.dataset import make_dataset
from flows.distill import run_stages
from stillhouse.artifacts.store import open_store
from stillhouse.errors import UserError
from stillhouse.recipe import form
from stillhouse.recipe.checks.sweep import sweep_of
from stillhouse.recipe.load import load_recipe
from stillhouse.reports.schema.sweep import SweepResult
from stillhouse.runtime.locks import host_lock
from stillhouse.runtime.settings import load_settings
from stillhouse.runtime.unexpected import one_line_errors
from stillhouse.sweep.study import Study
from stillhouse.sweep.trial import Fields
from tasks.balance import balance_rows
from tasks.convert import load_judge, load_student_bases, load_teachers
from tasks.initialise import try_students
from tasks.orchestration.compatibility import check_compatibility
from tasks.orchestration.preflight import start_run
from tasks.orchestration.results import PLAIN_JSON
from tasks.orchestration.run import Run, join_prefect
from tasks.read import read_sources
from tasks.split import split_rows
from tasks.sweeping.control import begin, fail, next_values, within_budget
from tasks.sweeping.prepared import Prepared, study_key
from tasks.sweeping.quiet import quiet
from tasks.sweeping.report import write_sweep_report
from tasks.sweeping.result import sweep_result, winning
from tasks.sweeping.trial import run_trial, truth_for
from tasks.validate import validate_rows

log = logging.getLogger("stillhouse")

# forms show them as empty fields
NO_SPACE: dict[str, Any] = {}
NO_OVERRIDES: dict[str, Any] = {}


# an error is kept in Prefect's home whatever `persist_result` says, and would be pickled
@flow(name="sweep", flow_run_name="sweep-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
@form.describe_inputs
@one_line_errors("sweep")
def sweep(
    recipe: form.RecipeInput = "demo-sweep",
    space: form.SpaceInput = NO_SPACE,
    trials: form.TrialsInput = 0,
    size: form.SizeInput = "full",
    overrides: form.OverridesInput = NO_OVERRIDES,
) -> dict[str, Any]:
    """Try a recipe with other values of its fields, and distil by the best on validation rows."""
    join_prefect()
    changes = form.recipe_changes(size=size) | overrides | form.sweep_changes(space=space, trials=trials)
    found, settings = load_recipe(recipe, changes), load_settings()
    sweep_of(found)
    with start_run(found, settings, []) as run:
        data = prepare(run)
        key = study_key(run.recipe, data)
        with Study(run.store, key) as study:
            begin(run, study, data)
            run_trials(run, study, recipe, changes, key)
            # one process writes the report; another finds the winner's run done
            with host_lock(settings.building_lock(key), lambda: log.info("sweep: another process is at its end")):
                return finish(run, study, recipe, changes, key, data)


def prepare(run: Run) -> Prepared:
    """Run the stages up to the training examples, and return what trials are made of."""
    sources = read_sources(run)
    valid = validate_rows(run, sources)
    splits = split_rows(run, valid)
    rows = balance_rows(run, valid, splits)
    teachers, judge = load_teachers(run), load_judge(run)
    bases = load_student_bases(run)
    try_students(run, rows)
    check_compatibility(run, bases, teachers)
    _, _, _, dataset = make_dataset(run, teachers, judge, bases, rows)
    return Prepared(rows, teachers, bases, dataset)


def run_trials(run: Run, study: Study, recipe: str, changes: dict[str, Any], key: str) -> None:
    """Run trials, each a run of its own in Prefect, until all are done or the budget allows no further one."""
    settings = sweep_of(run.recipe)
    while found := study.next_trial(
        settings.most_trials,
        lambda trials: next_values(settings, trials, run.recipe),
        lambda: log.info("sweep: waiting for trials that another process runs"),
    ):
        state = trial(recipe, changes, found.fields, found.number, key, return_state=True)
        if state.is_completed():
            continue
        try:
            state.result()  # raises also if it was cancelled: the sweep ends too, and goes on later
        except UserError as error:
            fail(study, found.number, error)


@flow(name="trial", flow_run_name="trial-{number}", persist_result=False, result_serializer=PLAIN_JSON)
@one_line_errors("trial")
def trial(recipe: str, changes: dict[str, Any], fields: Fields, number: int, study: str) -> dict[str, Any]:
    """Train and measure one trial of a sweep on validation rows; its data set is found, unless its values change it."""
    settings = load_settings()
    swept = sweep_of(load_recipe(recipe, changes))
    found = load_recipe(recipe, {**changes, **fields, "sweep": None}).model_copy(update={"sweep": swept, "export": ()})
    trials = Study(open_store(settings.store), study)
    with start_run(within_budget(found, trials, swept), settings, []) as run:
        with quiet():
            data = prepare(run)
        truth = truth_for(run, trials, data)
        done = run_trial(run, trials, trials.trial(number), data, truth)
    score = done.rungs[-1].score
    log.info("trial %-3d %-8s %.4f on validation rows  %s", number, done.state, score, fields)
    return done.model_dump(mode="json")


def finish(run: Run, study: Study, recipe: str, changes: dict[str, Any], key: str, data: Prepared) -> dict[str, Any]:
    """Choose the winner, distil by it unless that was done before, and write the report."""
    trials = study.trials()
    result = sweep_result(run, key, trials, data, truth_for(run, study, data))
    if result.winner is None:
        write_sweep_report(run, result, {}, 0)
    best = winning(result, trials)
    known = study.noted("winner") or {"fields": None, "reads": 0}
    if known["fields"] != best.fields:
        # not as a parameter: those have a limit of size in Prefect
        study.note("result", result.model_dump(mode="json"))
        found = winner(recipe, {**changes, **best.fields, "sweep": None}, key)
        known = {"fields": best.fields, "result": found, "reads": known["reads"] + 1}
        study.note("winner", known)
    report = write_sweep_report(run, result, known["result"], known["reads"])
    return {"study": key, "sweep": report.model_dump(mode="json"), **known["result"]}


@flow(name="winner", flow_run_name="winner-of-{recipe}", persist_result=False, result_serializer=PLAIN_JSON)
@one_line_errors("winner")
def winner(recipe: str, changes: dict[str, Any], study: str) -> dict[str, Any]:
    """Distil by the recipe with the values of the best trial: all is found but what reads the test rows."""
    with start_run(load_recipe(recipe, changes), load_settings(), []) as run:
        run.sweep = SweepResult.model_validate(Study(run.store, study).noted("result"))
        return run_stages(run)
