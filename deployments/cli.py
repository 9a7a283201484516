"""The `stillhouse` command: run a recipe, plan a run, write a recipe for one's own data, use a Prefect server."""

import json
import sys
from typing import Annotated, Any

import typer
import yaml

from deployments.models import models
from deployments.options import (
    Data,
    MaxTrainRows,
    Offline,
    OnlyPlan,
    Recipe,
    Refresh,
    RunSize,
    Set,
    Student,
    Teacher,
    TestData,
    Trials,
)
from deployments.recipe_commands import recipes
from deployments.runs import runs
from deployments.serve import serve
from deployments.store import store
from deployments.terminal import console
from stillhouse.errors import RecipeError, UnexpectedError, UserError
from stillhouse.recipe.form import recipe_changes, sweep_changes
from stillhouse.runtime.proxies import spare_loopback
from stillhouse.runtime.quick_imports import quick_imports
from stillhouse.runtime.unexpected import one_line_errors
from stillhouse.url_credentials import hide_passwords

HELP = "Plan and run distillations, write a recipe for your own data, and bring all of it to a Prefect server."
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP)
app.add_typer(recipes, name="recipe")
app.add_typer(runs, name="runs")
app.add_typer(models, name="models")
app.add_typer(store, name="store")
app.command("serve")(serve)


def _show_version(wanted: bool) -> None:
    if wanted:
        from stillhouse.runtime.code_version import version_line

        typer.echo(version_line())
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", help="Print version and commit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options of the command itself."""


@app.command()
def run(
    recipe: Recipe,
    data: Data = "",
    test_data: TestData = "",
    teacher: Teacher = "",
    student: Student = "",
    size: RunSize = "full",
    max_train_rows: MaxTrainRows = 0,
    refresh: Refresh = None,
    set_: Set = None,
) -> None:
    """Run a distillation and print the comparison.

    Example: stillhouse run deployments/recipes/demo.yaml --set training.epochs=2
    """
    from deployments.foreground import prepare
    from tasks.orchestration.registry import stages_named

    overrides = _overrides(set_ or [])
    inputs: dict[str, Any] = {
        "data": data,
        "test_data": test_data,
        "teacher": teacher,
        "student": student,
        "size": size,
        "max_train_rows": max_train_rows,
    }
    stages = stages_named(refresh or [])
    with quick_imports():
        foreground = prepare(recipe, recipe_changes(**inputs) | overrides)
        # after the environment is set: Prefect reads it on import
        from flows.distill import distill

    result = foreground.run(distill, recipe=recipe, **inputs, refresh=stages, overrides=overrides)
    # after the run: the statistics behind it take a second to load, and the first stage need not wait for them
    from stillhouse.reports.schema.report import Report
    from stillhouse.reports.terminal import render_terminal

    terminal = console()
    terminal.print(render_terminal(Report.model_validate(result["report"])))
    state = "its champion now" if result["is_champion"] else "a challenger"
    terminal.print(f"Registered as {result['model']}, {state}.", highlight=False)
    terminal.print(
        f"Report: {foreground.settings.report_link(result['run_id']).removeprefix('file://')}", soft_wrap=True
    )


@app.command()
def plan(
    recipe: Recipe,
    data: Data = "",
    test_data: TestData = "",
    teacher: Teacher = "",
    size: RunSize = "full",
    max_train_rows: MaxTrainRows = 0,
    offline: Offline = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON and nothing else.")] = False,
    set_: Set = None,
) -> None:
    """Send 32 prompts of a recipe to each teacher, and forecast what a run will request, take, cost and keep.

    The completions are stored: a run requests only the others. Example: stillhouse plan deployments/recipes/demo.yaml
    """
    from deployments.foreground import prepare

    overrides = _overrides(set_ or [])
    inputs: dict[str, Any] = {
        "data": data,
        "test_data": test_data,
        "teacher": teacher,
        "size": size,
        "max_train_rows": max_train_rows,
    }
    with quick_imports():
        foreground = prepare(recipe, recipe_changes(**inputs) | overrides)
        # after the environment is set: Prefect reads it on import
        from flows.plan import plan as plan_flow
        from stillhouse.planning.plan import Plan
        from stillhouse.planning.tables import plan_lines, render_compatibility, render_plan

    result = foreground.run(plan_flow, recipe=recipe, **inputs, offline=offline, overrides=overrides)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    terminal, forecast = console(), Plan.model_validate(result)
    terminal.print(render_plan(forecast))
    if forecast.compatibility:
        terminal.print(render_compatibility(forecast))
    for line in plan_lines(forecast):
        terminal.print(line, highlight=False, markup=False)


@app.command()
def sweep(
    recipe: Recipe,
    space: Annotated[
        str, typer.Option(help="A YAML file, local or by URL, with the section `sweep` in place of the recipe's.")
    ] = "",
    trials: Trials = 0,
    size: RunSize = "full",
    set_: Set = None,
) -> None:
    """Try a recipe with other values of its fields, and distil by the best on validation rows.

    The same command goes on with a sweep that was ended. Example: stillhouse sweep demo-sweep --trials 20
    """
    from deployments.foreground import prepare
    from stillhouse.recipe.sweep_file import read_space

    overrides, found = _overrides(set_ or []), read_space(space) if space else {}
    with quick_imports():
        foreground = prepare(
            recipe, recipe_changes(size=size) | overrides | sweep_changes(space=found, trials=trials), is_sweep=True
        )
        # after the environment is set: Prefect reads it on import
        from flows.sweep import sweep as sweep_flow

    result = foreground.run(sweep_flow, recipe=recipe, space=found, trials=trials, size=size, overrides=overrides)
    from stillhouse.reports.schema.sweep import SweepReport
    from stillhouse.reports.sweep_terminal import print_sweep

    settings, report = foreground.settings, SweepReport.model_validate(result["sweep"])
    print_sweep(console(), report)
    for name, link in (
        ("Sweep", settings.store_link(f"sweeps/{result['study']}/report.html")),
        ("Report of the winner", settings.report_link(result["run_id"])),
    ):
        typer.echo(f"{name}: {link.removeprefix('file://')}")


@app.command()
def race(
    recipe: Recipe,
    data: Data = "",
    teacher: Teacher = "",
    student: Student = "",
    size: RunSize = "full",
    max_train_rows: MaxTrainRows = 0,
    only_plan: OnlyPlan = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")] = False,
    set_: Set = None,
) -> None:
    """Find which teacher, prompt and filters make the best student, and what each filter is worth to it.

    Small slices come first, students are compared on validation rows, and stored completions are not asked again.
    Example: stillhouse race deployments/recipes/demo.yaml --plan
    """
    from deployments.foreground import prepare

    overrides = _overrides(set_ or [])
    inputs: dict[str, Any] = {
        "data": data,
        "teacher": teacher,
        "student": student,
        "size": size,
        "max_train_rows": max_train_rows,
    }
    with quick_imports():
        foreground = prepare(recipe, recipe_changes(**inputs) | overrides)
        # after the environment is set: Prefect reads it on import
        from deployments.race_terminal import print_race
        from flows.race import race as race_flow

    result = foreground.run(race_flow, recipe=recipe, **inputs, only_plan=only_plan, overrides=overrides)
    if as_json:
        typer.echo(json.dumps(result.get("report", {"plan": result["plan"]}), indent=2, ensure_ascii=False))
    else:
        print_race(result, foreground.settings)


@app.command()
def register() -> None:
    """Bring work pool, deployments and automations to the Prefect server of PREFECT_API_URL.

    Example: stillhouse register
    """
    from deployments.foreground import quiet_prefect

    quiet_prefect()
    from deployments.register import register as register_all

    for line in register_all():
        typer.echo(line)


@app.command()
def compact() -> None:
    """Join the small segments of stored completions, so that runs find them faster; no completion changes.

    Runs may go on meanwhile, and a kill loses nothing. Example: stillhouse compact
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.completions.compaction import compact as compact_teacher
    from stillhouse.completions.compaction import teachers_of
    from stillhouse.runtime.settings import load_settings

    opened = open_store(load_settings().store)
    teachers = teachers_of(opened)
    for teacher in teachers:
        done = compact_teacher(opened, teacher)
        joined = f"{done.segments_before} segments are {done.segments_after} now"
        typer.echo(f"teacher {teacher[:12]}: {joined}, {done.repeated} repeated completions removed")
    if not teachers:
        typer.echo(f"No completions are stored in {opened.config.url}.")


def _overrides(pairs: list[str]) -> dict[str, object]:
    overrides: dict[str, object] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        try:
            overrides[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            sign = ""
        if not (name and sign):
            shown = hide_passwords(repr(pair))
            raise RecipeError(f"--set {shown}: it must be field=value, as training.epochs=2; the value is YAML.")
    return overrides


def main() -> None:
    """Run the command; a user's mistake is one message and exit code 2, what nobody foresaw one and exit code 1."""
    spare_loopback()
    try:
        with one_line_errors("stillhouse"):
            app()
    except UserError as error:
        typer.echo(f"stillhouse: {error}", err=True)
        sys.exit(1 if isinstance(error, UnexpectedError) else 2)


if __name__ == "__main__":
    main()
