"""The terminal that commands print tables to."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return the terminal; a file or a pipe gets lines of 140 characters."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140)
