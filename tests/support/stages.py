"""The stages over rows, for flows of tests that are about the stages after them."""

from tasks.balance import Rows, balance_rows
from tasks.orchestration.run import Run
from tasks.read import read_sources
from tasks.split import split_rows
from tasks.validate import validate_rows


def prepare_rows(run: Run) -> Rows:
    """Return the recipe's rows, read, validated, split and balanced."""
    sources = read_sources(run)
    valid = validate_rows(run, sources)
    return balance_rows(run, valid, split_rows(run, valid))
