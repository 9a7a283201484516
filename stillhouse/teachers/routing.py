"""Routes a row to a teacher by the row alone: by one of the user's columns, or by its label."""

import json
import logging
from collections.abc import Mapping, Sequence

from stillhouse.data.row import Row
from stillhouse.errors import DataError, did_you_mean

log = logging.getLogger(__name__)


def value_of(row: Row, column: str | None) -> str | None:
    """Return the value that routing uses: the row's label, or its value in `column` as text; None if it has none."""
    value = row["label"] if column is None else json.loads(row["meta"]).get(column)
    if value is None or isinstance(value, str):
        return value.strip() or None if value else None
    return json.dumps(value)


def routed(
    rows: Sequence[Row], teachers: Mapping[str, int], default: int, column: str | None, teacher_index: int
) -> list[str]:
    """Return the ids of the rows that go to the teacher `teacher_index`, each once, in the rows' order.

    Args:
        rows: the prompts.
        teachers: the index of a teacher among the recipe's, by the rows' value.
        default: the index for rows without a value in `teachers`.
        column: the column that holds the value; None stands for the label.
        teacher_index: the teacher whose rows are returned.

    Raises:
        DataError: no row has the column.
    """
    values = {row["id"]: value_of(row, column) for row in rows}
    if column is not None and rows and not any(values.values()):
        raise DataError(_no_column(rows, column))
    own = {value for value, index in teachers.items() if index == teacher_index}
    if absent := sorted(own - set(values.values())):
        log.warning("routing.teachers: no prompt has %s", ", ".join(map(repr, absent)))
    return [
        row_id
        for row_id, value in values.items()
        if (default if value is None else teachers.get(value, default)) == teacher_index
    ]


def _no_column(rows: Sequence[Row], column: str) -> str:
    known = sorted({name for row in rows[:1000] for name in json.loads(row["meta"])})
    return (
        f"routing.column is {column!r}, and no prompt has a value there. Beside the columns that data.train.columns "
        f"uses, rows have {', '.join(known) or 'none'}.{did_you_mean(column, known)}"
    )
