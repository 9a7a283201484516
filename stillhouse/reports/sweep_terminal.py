"""A sweep for the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillhouse.reports import sweep_text
from stillhouse.reports.numbers import NOT_MEASURED
from stillhouse.reports.schema.sweep import SweepReport


def print_sweep(console: Console, report: SweepReport) -> None:
    """Print the trials, the winner first, and what the choice is worth."""
    grid = Table(*sweep_text.header(report.sweep), box=box.SIMPLE_HEAD)
    for row in sweep_text.rows(report.sweep):
        grid.add_row(*(Text("–" if one == NOT_MEASURED else one, overflow="fold") for one in row))
    console.print(grid)
    texts = (sweep_text.selection_text, sweep_text.importance_text, sweep_text.outcome_text)
    for line in (sweep_text.winner_text(report), *(text(report.sweep) for text in texts)):
        console.print(line, highlight=False, markup=False)
