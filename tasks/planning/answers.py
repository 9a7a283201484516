"""The answers known by now, teacher by teacher, as the filters judge them.

Separate because what is known of the first teacher's answers decides which rows the second one is asked about.
"""

import tempfile
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from tasks.filters.answered import Lines, answered, place_of, priors_of
from tasks.planning.known import Known, answered_places
from tasks.recipe.recipe import Recipe
from tasks.teachers.answers import lines_by_row, mixed
from tasks.teachers.completion import Completion

Row = dict[str, Any]


def lines_of(known: Sequence[Known]) -> list[Lines]:
    """Return each teacher's lines of the table of answers by row id, for the rows that have all of its answers."""
    return [_lines(one, number) for number, one in enumerate(known, start=1)]


def _lines(known: Known, number: int) -> Lines:
    places = answered_places(known.lessons)
    if not places:
        return {}
    with tempfile.TemporaryDirectory(prefix="stillhouse-plan-") as folder:
        table = Path(folder) / "completions.parquet"
        known.answers.write(iter(places), table)
        return lines_by_row(mixed({number: table}))


def merged(lines: Sequence[Lines], asked: Sequence[Collection[str]]) -> Lines:
    """Return the lines of all teachers by row id, of each only for the rows that it is asked about."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for told, rows in zip(lines, asked, strict=True):
        for row_id, some in told.items():
            if row_id in rows:
                found[row_id] += some
    return dict(found)


def completions_of(
    lines: Lines, train: Sequence[Row], recipe: Recipe, labels: Sequence[str]
) -> dict[str, list[Completion]]:
    """Return the lines as completions, calibrated by the training rows among them."""
    told = {place_of(line) for row in train for line in lines.get(row["id"], ())}
    calibrations = [one.calibration if place in told else "none" for place, one in enumerate(recipe.teachers)]
    return answered(lines, priors_of(calibrations, train, lines), labels)
