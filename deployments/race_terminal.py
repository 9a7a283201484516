"""A race in the terminal: the standings of each round, the worth of the filters, and what both say."""

from typing import Any

import typer

from deployments.terminal import console, text_table
from stillhouse.racing.summary import RaceReport
from stillhouse.racing.text import FILTERS, STANDINGS, filter_rows, measured_text, round_title, standing_rows
from stillhouse.runtime.settings import Settings


def print_race(result: dict[str, Any], settings: Settings) -> None:
    """Print what a race found, or its plan if it has no report."""
    if "report" not in result:
        for line in result["plan"]:
            typer.echo(line)
        return
    report, terminal = RaceReport.model_validate(result["report"]), console()
    for at, one in enumerate(report.rounds):
        typer.echo(round_title(report, at))
        terminal.print(text_table(STANDINGS, standing_rows(one.standings)))
    if report.filters:
        typer.echo(f"Worth of the filters of {report.winner}, in points")
        terminal.print(text_table(FILTERS, filter_rows(report.filters)))
        for worth in report.filters:
            typer.echo(worth.sentence)
    for line in (measured_text(report), report.conclusion, *report.notes):
        typer.echo(line)
    link = settings.store_link(f"races/{report.run_id}/race.html")
    typer.echo(f"Report: {link.removeprefix('file://')}")
