"""The `stillhouse` command: run a recipe, see what a run would do, write a recipe for one's own data.

Separate because it is one of the ways a flow starts; it holds no logic of its own.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from stillhouse.errors import RecipeError, UserError
from stillhouse.recipe.form import Size, recipe_changes, stages_named
from stillhouse.url_credentials import hide_passwords

if TYPE_CHECKING:
    from rich.console import Console

    from stillhouse.runtime.settings import Settings

HELP = "Plan and run distillations, write a recipe for your own data, and bring all of it to a Prefect server."
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP)
recipes = typer.Typer(no_args_is_help=True, help="Work with recipes.")
app.add_typer(recipes, name="recipe")


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="a recipe's name, path or URL")],
    data: Annotated[str, typer.Option(help="training prompts in place of the recipe's")] = "",
    test_data: Annotated[str, typer.Option(help="gold test rows in place of the recipe's")] = "",
    teacher: Annotated[str, typer.Option(help="the teacher's model in place of the recipe's")] = "",
    student: Annotated[str, typer.Option(help="the student's base in place of the recipe's")] = "",
    size: Annotated[Size, typer.Option(help="full; trial: 1000 training rows; smoke: 100 rows and 10 steps")] = "full",
    max_train_rows: Annotated[int, typer.Option(min=0, help="rows the teacher is asked about at most; 0: all")] = 0,
    refresh: Annotated[
        list[str] | None, typer.Option(help="a stage to build again; may be given several times")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="field=value, as training.epochs=2")] = None,
) -> None:
    """Run a distillation and print the comparison.

    Example: stillhouse run deployments/recipes/demo.yaml --set training.epochs=2
    """
    overrides = _overrides(set_ or [])
    form: dict[str, Any] = {
        "data": data,
        "test_data": test_data,
        "teacher": teacher,
        "student": student,
        "size": size,
        "max_train_rows": max_train_rows,
    }
    stages = stages_named(refresh or [])
    settings = _checked(recipe, recipe_changes(**form) | overrides)
    # after the environment is set: Prefect reads it on import
    from flows.distill import distill
    from stillhouse.reports.schema.report import Report
    from stillhouse.reports.tables import render_terminal

    result = _run_to_its_end(distill, recipe=recipe, **form, refresh=stages, overrides=overrides)
    console = _console()
    console.print(render_terminal(Report.model_validate(result["report"])))
    console.print(f"Report: {settings.report_link(result['run_id']).removeprefix('file://')}", soft_wrap=True)


@app.command()
def plan(
    recipe: Annotated[str, typer.Argument(help="a recipe's name, path or URL")],
    data: Annotated[str, typer.Option(help="training prompts in place of the recipe's")] = "",
    test_data: Annotated[str, typer.Option(help="gold test rows in place of the recipe's")] = "",
    teacher: Annotated[str, typer.Option(help="the teacher's model in place of the recipe's")] = "",
    size: Annotated[Size, typer.Option(help="full; trial: 1000 training rows; smoke: 100 rows")] = "full",
    max_train_rows: Annotated[int, typer.Option(min=0, help="rows the teacher is asked about at most; 0: all")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print the plan as JSON and nothing else")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="field=value, as budget.usd=20")] = None,
) -> None:
    """Ask each teacher 32 prompts of a recipe, and say what a run will ask, take, cost and keep.

    The answers are stored: a run asks only the others. Example: stillhouse plan deployments/recipes/demo.yaml
    """
    overrides = _overrides(set_ or [])
    form: dict[str, Any] = {
        "data": data,
        "test_data": test_data,
        "teacher": teacher,
        "size": size,
        "max_train_rows": max_train_rows,
    }
    _checked(recipe, recipe_changes(**form) | overrides)
    # after the environment is set: Prefect reads it on import
    from flows.plan import plan as plan_flow
    from stillhouse.planning.plan import Plan
    from stillhouse.planning.tables import plan_lines, render_plan

    found = _run_to_its_end(plan_flow, recipe=recipe, **form, overrides=overrides)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console, shown = _console(), Plan.model_validate(found)
    console.print(render_plan(shown))
    for line in plan_lines(shown):
        console.print(line, highlight=False, markup=False)


@app.command()
def register() -> None:
    """Bring work pool, deployments and automations to the Prefect server of PREFECT_API_URL.

    Example: stillhouse register
    """
    _quiet_prefect()
    from deployments.register import register as register_all

    for line in register_all():
        typer.echo(line)


@recipes.command("schema")
def schema() -> None:
    """Print the JSON schema of recipes, for editors and checks.

    Example: stillhouse recipe schema > recipe.schema.json
    """
    from stillhouse.recipe.recipe import Recipe

    typer.echo(json.dumps(Recipe.model_json_schema(), indent=2))


@recipes.command("init")
def init(
    data: Annotated[str, typer.Argument(help="your training prompts: file, folder, glob or URL")],
    out: Annotated[Path, typer.Option(help="where the recipe is written")] = Path("recipe.yaml"),
    labelled: Annotated[str, typer.Option(help="labelled rows, if they lie apart")] = "",
    test: Annotated[str, typer.Option(help="gold test rows, if they lie apart")] = "",
) -> None:
    """Write a commented starting recipe for your own data, after looking at its columns.

    Example: stillhouse recipe init messages.jsonl --labelled labelled.jsonl --test gold.jsonl
    """
    from stillhouse.data.recipe_draft import draft_recipe
    from stillhouse.runtime.settings import load_settings

    if out.exists():
        raise RecipeError(f"{out} exists; name another file with --out, or delete it first.")
    text = draft_recipe(data, labelled, test, load_settings().storage_options, beside=out.absolute().parent)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{out} can't be written: {error.strerror}. Name another file with --out.") from error
    typer.echo(f"Wrote {out}. Read its comments, set the models, then: stillhouse run {out}")


@app.command()
def compact() -> None:
    """Join the small segments of stored teacher answers, so that runs find them faster; no answer changes.

    Runs may go on meanwhile, and a kill loses nothing. Example: stillhouse compact
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.completions.compaction import compact as compact_teacher
    from stillhouse.completions.compaction import teachers_of
    from stillhouse.runtime.settings import load_settings

    store = open_store(load_settings().store)
    teachers = teachers_of(store)
    for teacher in teachers:
        done = compact_teacher(store, teacher)
        said = (
            f"{done.segments_before} segments are {done.segments_after} now, {done.repeated} repeated answers removed"
        )
        typer.echo(f"teacher {teacher[:12]}: {said}")
    if not teachers:
        typer.echo(f"No answers are stored in {store.config.url}.")


def _checked(recipe: str, changes: dict[str, Any]) -> "Settings":
    """Return the settings of a run whose recipe and store hold, with this process made ready for Prefect.

    Before Prefect is loaded, which takes seconds: a mistake shows at once.

    Raises:
        UserError: the recipe is refused, a setting is wrong, or the store can't be used.
    """
    from stillhouse.artifacts.preflight import probe
    from stillhouse.recipe.load import load_recipe
    from stillhouse.runtime.settings import load_settings

    load_recipe(recipe, changes)
    settings = load_settings()
    probe(settings.store)
    _quiet_prefect()
    _end_at_once_on_interrupt()
    return settings


def _console() -> "Console":
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140)


def _run_to_its_end(flow: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """Return what `flow` returns; an error is one message."""
    from prefect import tags

    from deployments.prefect_server import prefect_server

    if os.environ.get("PREFECT_API_URL"):
        with prefect_server():
            pass  # its refusal is one sentence, the flow's would be a traceback
    # the tag that the automations of a server go by
    with tags("stillhouse"):
        state = flow(**parameters, return_state=True)
    if state.is_failed() or state.is_crashed():
        error = state.result(raise_on_failure=False)
        raise error if isinstance(error, UserError) else RecipeError(f"The run did not finish: {state.message}")
    result: dict[str, Any] = state.result()
    return result


def _overrides(pairs: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            sign = ""
        if not (name and sign):
            shown = hide_passwords(repr(pair))
            raise RecipeError(f"--set {shown}: it must be field=value, as training.epochs=2; the value is YAML.")
    return found


def _quiet_prefect() -> None:
    """Keep the terminal to Stillhouse's own lines and wait for a slow start; what is set from outside stays."""
    for name, value in {
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "1",
        # Prefect's own 20 s are too short for the temporary server on a busy machine
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }.items():
        os.environ.setdefault(name, value)
    # not a matter of taste: a server's automation takes a tagged run without a heartbeat for 90 s as killed
    os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] = "30"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(lambda record: record.name != "stillhouse.worker.output")
    logger = logging.getLogger("stillhouse")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    # Prefect would print each line a second time
    logger.propagate = False


def _end_at_once_on_interrupt() -> None:
    """Without a server of the user's own, end on Ctrl-C as a kill would: guards end the workers, nothing is lost.

    The temporary server gets the same signal and is gone, and Prefect would try for minutes to tell it of the end.
    """
    if os.environ.get("PREFECT_API_URL"):
        return

    def end(number: int, frame: object) -> None:
        os.write(2, b"\nstillhouse: interrupted; the same command again goes on from what is stored.\n")
        os._exit(128 + number)

    # SIGTERM is Prefect's, which has a run end in good order; its server lives on where the run alone is told
    signal.signal(signal.SIGINT, end)


def main() -> None:
    """Run the command; a user's mistake is one message and exit code 2."""
    try:
        app()
    except UserError as error:
        typer.echo(f"stillhouse: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
