"""`stillhouse runs`: the finished runs of the store."""

import json
from typing import Annotated

import typer

from deployments.terminal import console, text_table

runs = typer.Typer(no_args_is_help=True, help="Look at the finished runs of the store.")
Run = Annotated[str, typer.Argument(help="A run's id, the beginning of one alone, or `last`.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@runs.command("list")
def list_runs(
    most: Annotated[int, typer.Option(min=1, help="Most runs, the newest first.")] = 20, as_json: AsJson = False
) -> None:
    """Print the newest runs with what their students reach.

    Example: stillhouse runs list --most 5
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.reports.history import read_report, run_ids
    from stillhouse.reports.run_lines import HEADER, run_line
    from stillhouse.runtime.settings import load_settings

    store = open_store(load_settings().store)
    known = run_ids(store)
    lines = [run_line(read_report(store, run_id)) for run_id in known[:most]]
    if as_json:
        typer.echo(json.dumps([dict(zip(HEADER, line, strict=True)) for line in lines], indent=2, ensure_ascii=False))
    elif not known:
        typer.echo(f"{store.config.url} holds no finished run.")
    else:
        console().print(text_table(HEADER, lines))
        if len(known) > most:
            typer.echo(f"{len(known) - most} older ones: --most {len(known)} shows all.")


@runs.command("show")
def show(run: Run, as_json: AsJson = False) -> None:
    """Print the comparison of a run and where its report is.

    Example: stillhouse runs show last
    """
    from pydantic import ValidationError

    from stillhouse.artifacts.store import open_store
    from stillhouse.reports.history import find_run, read_report
    from stillhouse.reports.run_lines import HEADER, run_line
    from stillhouse.reports.schema.report import Report
    from stillhouse.reports.terminal import render_terminal
    from stillhouse.runtime.settings import load_settings

    settings = load_settings()
    store = open_store(settings.store)
    run_id = find_run(store, run)
    found = read_report(store, run_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    try:
        console().print(render_terminal(Report.model_validate(found)))
    except ValidationError:
        # of another version: its page shows what this one's table can't
        console().print(text_table(HEADER, [run_line(found)]))
    typer.echo(f"Report: {settings.report_link(run_id).removeprefix('file://')}")


@runs.command("diff")
def diff(first: Run, second: Run) -> None:
    """Print what differs between two runs: recipe, stages built anew, and qualities.

    Example: stillhouse runs diff demo-20261128 last
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.reports.history import find_run, read_report
    from stillhouse.reports.run_difference import difference
    from stillhouse.runtime.settings import load_settings

    store = open_store(load_settings().store)
    names = [find_run(store, one) for one in (first, second)]
    found = difference(*(read_report(store, name) for name in names))
    for title, changes in (("recipe", found.recipe), ("stage", found.stages), ("model", found.qualities)):
        if changes:
            console().print(text_table((title, *names), changes))
        else:
            typer.echo(f"No {title} differs.")
    typer.echo(
        "Both are measured on the same test rows; the intervals are each model's own."
        if found.has_same_rows
        else "Their test rows are not known to be the same: don't compare the qualities closely."
    )


@runs.command("keep")
def keep(
    run: Run,
    off: Annotated[bool, typer.Option("--off", help="Keep it no longer.")] = False,
) -> None:
    """Keep a run for ever, as one whose student is in use: `stillhouse store gc` leaves it and all that it needs.

    Example: stillhouse runs keep last
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.reports.history import find_run, keep_run
    from stillhouse.runtime.settings import load_settings

    store = open_store(load_settings().store)
    run_id = find_run(store, run)
    keep_run(store, run_id, is_kept=not off)
    typer.echo(f"{run_id} is {'no longer kept' if off else 'kept'}.")
