"""The terminal that commands print tables to."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def console() -> "Console":
    """Return the terminal; a file or a pipe gets lines of 140 characters."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    """Return a table of plain texts, folded where they are too wide."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(*header, box=box.SIMPLE_HEAD)
    for row in rows:
        grid.add_row(*(Text(cell, overflow="fold") for cell in row))
    return grid
