"""Which teacher a row goes to by what it says of itself: by a column of the user's, or by its label.

Separate because it is decided before anything is asked, from the rows alone.
"""

import json
import logging
from collections.abc import Mapping, Sequence

from stillhouse.data.row import Row
from stillhouse.errors import DataError, did_you_mean

log = logging.getLogger(__name__)


def value_of(row: Row, column: str | None) -> str | None:
    """Return what routing goes by: the row's label, or with a `column` its value there as text; None for none."""
    value = row["label"] if column is None else json.loads(row["meta"]).get(column)
    if value is None or isinstance(value, str):
        return value.strip() or None if value else None
    return json.dumps(value)


def routed(rows: Sequence[Row], places: Mapping[str, int], default: int, column: str | None, teacher: int) -> list[str]:
    """Return the ids of the rows that go to the teacher at place `teacher`, each once, in the rows' order.

    Args:
        rows: the prompts.
        places: by a row's value, the place of its teacher among the recipe's.
        default: the place for rows without a value in `places`.
        column: the column that holds the value; None goes by the label.
        teacher: the place of the teacher asked for.

    Raises:
        DataError: no row has the column.
    """
    values = {row["id"]: value_of(row, column) for row in rows}
    if column is not None and rows and not any(values.values()):
        raise DataError(_no_column(rows, column))
    own = {value for value, place in places.items() if place == teacher}
    if absent := sorted(own - set(values.values())):
        log.warning("routing.teachers: no prompt has %s", ", ".join(map(repr, absent)))
    return [
        row_id
        for row_id, value in values.items()
        if (default if value is None else places.get(value, default)) == teacher
    ]


def _no_column(rows: Sequence[Row], column: str) -> str:
    known = sorted({name for row in rows[:1000] for name in json.loads(row["meta"])})
    return (
        f"routing.column is {column!r}, and no prompt has a value there. Beside the columns that data.train.columns "
        f"uses, rows have {', '.join(known) or 'none'}.{did_you_mean(column, known)}"
    )
