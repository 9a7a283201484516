"""A conversation's turns as Arrow structs, and as the dictionaries that the rest of the code sees.

What a turn does not have is null in Arrow and absent from the dictionary, so that an ordinary turn is exactly
{role, content}. Calls of tools are JSON text in Arrow, because their arguments have no schema.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.data.row import ROW_SCHEMA, TURN_KEYS, Messages, Row

_OPTIONAL = TURN_KEYS[2:]
_BATCH_ROWS = 1024


class TurnColumns:
    """Collects turns as columns; of what few turns have, only the values are kept."""

    def __init__(self) -> None:
        self._roles: list[str] = []
        self._contents: list[str] = []
        self._ends = [0]
        self._rest: dict[str, dict[int, str]] = {}  # key -> number of the turn -> value

    def add(self, turns: Messages) -> None:
        """Append the turns of one row."""
        for turn in turns:
            if len(turn) > 2:
                self._add_rest(turn)
            self._roles.append(turn["role"])
            self._contents.append(turn["content"])
        self._ends.append(len(self._roles))

    def _add_rest(self, turn: dict[str, Any]) -> None:
        for key in _OPTIONAL:
            if key in turn:
                value = orjson.dumps(turn[key]).decode() if key == "tool_calls" else turn[key]
                self._rest.setdefault(key, {})[len(self._roles)] = value

    def array(self) -> pa.ListArray:
        """Return a list of turns a row, as ROW_SCHEMA has them."""
        columns = [pa.array(self._roles, pa.string()), pa.array(self._contents, pa.string())]
        columns += [self._optional(self._rest.get(key)) for key in _OPTIONAL]
        turns = pa.StructArray.from_arrays(columns, list(TURN_KEYS))
        return pa.ListArray.from_arrays(pa.array(self._ends, pa.int32()), turns)

    def _optional(self, values: dict[int, str] | None) -> pa.Array:
        size = len(self._roles)
        return pa.array([values.get(at) for at in range(size)], pa.string()) if values else pa.nulls(size, pa.string())


def messages_array(messages: Iterable[Messages]) -> pa.ListArray:
    """Return rows' turns as Arrow."""
    columns = TurnColumns()
    for turns in messages:
        columns.add(turns)
    return columns.array()


def turns_of(column: pa.ListArray) -> list[Messages]:
    """Return rows' turns as dictionaries."""
    turns = column.values
    present = [name for name in turns.type.names if turns.field(name).null_count < len(turns)]
    slim = pa.StructArray.from_arrays([turns.field(name) for name in present], present) if present else turns
    found: list[Messages] = pa.ListArray.from_arrays(column.offsets, slim).to_pylist()
    return found if len(present) == 2 else [[_without_nulls(turn) for turn in row] for row in found]


def _without_nulls(turn: dict[str, Any]) -> dict[str, Any]:
    turn = {key: value for key, value in turn.items() if value is not None}
    if "tool_calls" in turn:
        turn["tool_calls"] = orjson.loads(turn["tool_calls"])
    return turn


def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Row]:
    """Yield the rows of batches of ROW_SCHEMA as dictionaries."""
    for batch in batches:
        at = batch.schema.get_field_index("messages")
        others = batch.drop_columns(["messages"]).to_pylist()
        for row, turns in zip(others, turns_of(batch.column(at)), strict=True):
            yield cast(Row, {**row, "messages": turns})


def stream_rows(path: Path | str) -> Iterator[Row]:
    """Yield the rows of a Parquet file of ROW_SCHEMA, with no more than a batch of them in memory."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield from rows_of(file.iter_batches(_BATCH_ROWS))


def read_rows(path: Path | str) -> list[Row]:
    """Return the rows of a Parquet file of ROW_SCHEMA."""
    return list(stream_rows(path))


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to a Parquet file of ROW_SCHEMA; what a row lacks is null."""
    columns = {
        field.name: messages_array(row["messages"] for row in rows)
        if field.name == "messages"
        else pa.array([row.get(field.name) for row in rows], field.type)
        for field in ROW_SCHEMA
    }
    pq.write_table(pa.table(columns, schema=ROW_SCHEMA), path)
