"""Completions as they come, in any order, for a table in the order of the rows.

A million completions as Python objects take several GiB: here they become columns as they come, and
neither their token ids nor their logprobs are kept.
"""

from array import array
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.completions.completion import Completion, CompletionSlot
from stillhouse.completions.table import ANSWER_SCHEMA, AnswerForm, line_of

# the table's columns: those that a slot holds, one that is the same in all lines, and those that are buffered
_SLOT_COLUMNS = ("row_id", "sample_index", "key")
_BUFFERED = pa.schema([field for field in ANSWER_SCHEMA if field.name not in (*_SLOT_COLUMNS, "teacher")])
_BATCH = 4096
_NONE = -1


class CompletionBuffer:
    """The completions of one teacher to a set of keys."""

    def __init__(self, keys: Iterable[str], form: AnswerForm) -> None:
        """Start with no completion; `form` is that of all their answers."""
        # the strings themselves are the caller's: those of the completions that come would take as much again
        self._number = {key: number for number, key in enumerate(keys)}
        self._position = array("i", [_NONE]) * len(self._number)
        self._form = form
        self._teacher = ""
        self._count = 0
        self._batches: list[pa.RecordBatch] = []
        self._pending: list[dict[str, Any]] = []

    def __contains__(self, key: str) -> bool:
        """Return whether the completion of `key` has come."""
        return self._position[self._number[key]] != _NONE

    def expects(self, key: str) -> bool:
        """Return whether `key` is one of the buffer's keys."""
        return key in self._number

    def add(self, completion: Completion) -> None:
        """Keep those fields of a completion that the table has."""
        self._position[self._number[completion.key]] = self._count
        self._count += 1
        self._teacher = completion.teacher
        self._pending.append(line_of(completion, self._form))
        if len(self._pending) == _BATCH:
            self._flush()

    def write(self, slots: Iterable[CompletionSlot], path: Path) -> None:
        """Write the completion of every slot, in their order; the buffer is empty afterwards and can't be used again.

        Raises:
            KeyError: for a slot whose key has no completion.
        """
        self._flush()
        columns, positions = self._slot_columns(slots)
        self._number.clear()
        for name in _BUFFERED.names:
            columns[name] = self._drop_column(name).take(positions)
        columns["teacher"] = _constant(self._teacher, len(positions))
        # one chunk a column: pages, and so the file's bytes, depend on where chunks end (of equal values they don't)
        arrays = [columns.pop(field.name) for field in ANSWER_SCHEMA]
        pq.write_table(pa.Table.from_arrays(arrays, schema=ANSWER_SCHEMA), path)

    def _flush(self) -> None:
        self._batches.append(pa.RecordBatch.from_pylist(self._pending, schema=_BUFFERED))
        self._pending = []

    def _slot_columns(self, slots: Iterable[CompletionSlot]) -> tuple[dict[str, pa.Array], pa.Array]:
        """Return the columns that slots hold, and the position of each slot's completion in the buffer."""
        types = [ANSWER_SCHEMA.field(name).type for name in _SLOT_COLUMNS] + [pa.int32()]
        names = [*_SLOT_COLUMNS, "position"]
        chunks = [pa.RecordBatch.from_arrays([pa.array([], kind) for kind in types], names=names)]
        waiting = iter(slots)
        while some := list(islice(waiting, _BATCH)):
            lists = [*zip(*some, strict=True), [self._position_of(slot.key) for slot in some]]
            arrays = [pa.array(values, kind) for values, kind in zip(lists, types, strict=True)]
            chunks.append(pa.RecordBatch.from_arrays(arrays, names=names))
        columns = {}
        for name in names:
            columns[name] = pa.concat_arrays([chunk[name] for chunk in chunks])
            chunks = [chunk.drop_columns([name]) for chunk in chunks]
        return columns, columns.pop("position")

    def _position_of(self, key: str) -> int:
        position = self._position[self._number[key]]
        if position == _NONE:
            raise KeyError(key)
        return position

    def _drop_column(self, name: str) -> pa.Array:
        """Return one column of all completions and forget it, so that no more than one is held twice."""
        column = pa.concat_arrays([batch[name] for batch in self._batches])
        self._batches = [batch.drop_columns([name]) for batch in self._batches]
        return column


def _constant(value: str, number: int) -> pa.ChunkedArray:
    """Return a column of one value out of one small piece: a million times 64 letters would be 64 MiB."""
    piece = pa.repeat(value, _BATCH)
    return pa.chunked_array([piece] * (number // _BATCH) + [piece[: number % _BATCH]], pa.string())
