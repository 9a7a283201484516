"""Completions as they come, in any order, for a table in the order of the rows.

A million completions as Python objects take several GiB: here they become columns in a file without a name as they
come, and neither their token ids nor their logprobs are kept. No part is larger than a few thousand completions: Arrow
holds at most 2 GiB of text in one.
"""

import tempfile
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.completions.completion import Completion, CompletionSlot
from stillhouse.completions.table import ANSWER_SCHEMA, VALUE_FIELDS, AnswerForm, values_of

# the table's columns: those that a slot holds, one that is the same in all lines, and those that are buffered
_SLOT_COLUMNS = ("row_id", "sample_index", "key")
_BUFFERED = pa.schema([ANSWER_SCHEMA.field(name) for name in VALUE_FIELDS])
_BATCH = 4096
_GROUP_ROWS = 16_384  # of the table
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
        self._pending: list[tuple[Any, ...]] = []
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with this object
        self._batches = pa.ipc.new_file(pa.PythonFile(self._file, "w"), _BUFFERED)

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
        self._pending.append(values_of(completion, self._form))
        if len(self._pending) == _BATCH:
            self._flush()

    def write(self, slots: Sequence[CompletionSlot], path: Path, beat: Callable[[], None] = lambda: None) -> None:
        """Write the completion of every slot, in their order; no completion can be added afterwards.

        `beat` is called meanwhile: millions take more than a minute.

        Raises:
            KeyError: for a slot whose key has no completion.
        """
        self._flush()
        self._batches.close()
        self._file.flush()
        positions = np.array(array("i", map(self._position_of, slots)))
        with (
            pa.memory_map(f"/proc/self/fd/{self._file.fileno()}") as mapped,
            pa.ipc.open_file(mapped) as buffered,
            pq.ParquetWriter(path, ANSWER_SCHEMA) as table,
        ):
            for start in range(0, max(len(slots), 1), _GROUP_ROWS):
                beat()
                group = slots[start : start + _GROUP_ROWS]
                columns = _slot_columns(group) | _gather(buffered, positions[start : start + _GROUP_ROWS])
                columns["teacher"] = pa.repeat(self._teacher, len(group))
                arrays = [columns[field.name] for field in ANSWER_SCHEMA]
                table.write_table(pa.Table.from_arrays(arrays, schema=ANSWER_SCHEMA), _GROUP_ROWS)

    def _flush(self) -> None:
        columns = zip(*self._pending, strict=True) if self._pending else [()] * len(_BUFFERED)
        arrays = [pa.array(values, field.type) for field, values in zip(_BUFFERED, columns, strict=True)]
        self._batches.write_batch(pa.RecordBatch.from_arrays(arrays, schema=_BUFFERED))
        self._pending = []

    def _position_of(self, slot: CompletionSlot) -> int:
        position = self._position[self._number[slot.key]]
        if position == _NONE:
            raise KeyError(slot.key)
        return position


def _slot_columns(slots: Sequence[CompletionSlot]) -> dict[str, pa.Array]:
    """Return the columns that slots hold."""
    values = zip(*slots, strict=True) if slots else [()] * len(_SLOT_COLUMNS)
    return {
        name: pa.array(column, ANSWER_SCHEMA.field(name).type)
        for name, column in zip(_SLOT_COLUMNS, values, strict=True)
    }


def _gather(buffered: Any, positions: Any) -> dict[str, pa.Array]:
    """Return the columns of the completions at `positions` of a file of batches, in this order."""
    order = np.argsort(positions, kind="stable")
    numbers, places = np.divmod(positions[order], _BATCH)
    # all batches but the last hold _BATCH completions
    edges = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1))
    parts = [pa.RecordBatch.from_pylist([], schema=_BUFFERED)]
    for first, end in pairwise(edges.tolist()):
        parts.append(buffered.get_batch(int(numbers[first])).take(pa.array(places[first:end])))
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    found = pa.concat_batches(parts).take(pa.array(back))
    return dict(zip(found.schema.names, found.columns, strict=True))
