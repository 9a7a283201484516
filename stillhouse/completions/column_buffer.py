"""Answers as they come, in any order, for a table in the order of the rows.

Separate because a million answers as Python objects take several GiB: here they are columns as soon as they are known,
and neither their token ids nor their logprobs are kept.
"""

from array import array
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.completions.completion import Completion
from stillhouse.completions.table import ANSWER_SCHEMA, label_scores

Place = tuple[str, int, str]  # row id, sample index, key

# what a place in the table knows itself, and what is the same for all
_OF_THE_PLACE = ("row_id", "sample_index", "key")
_KEPT = pa.schema([field for field in ANSWER_SCHEMA if field.name not in (*_OF_THE_PLACE, "teacher")])
_BATCH = 4096
_NONE = -1


class CompletionBuffer:
    """The answers of one teacher to a set of keys."""

    def __init__(self, keys: Iterable[str], label_tokens: list[int] | None) -> None:
        """Start with no answer; `label_tokens` are the first tokens of the labels, where their scores were asked."""
        # the strings themselves are the caller's: those of the answers that come would take as much again
        self._number = {key: number for number, key in enumerate(keys)}
        self._position = array("i", [_NONE]) * len(self._number)
        self._label_tokens = label_tokens
        self._teacher = ""
        self._count = 0
        self._batches: list[pa.RecordBatch] = []
        self._pending: list[dict[str, Any]] = []

    def __contains__(self, key: str) -> bool:
        """Return whether there is an answer to `key`."""
        return self._position[self._number[key]] != _NONE

    def has_place(self, key: str) -> bool:
        """Return whether an answer to `key` belongs here at all."""
        return key in self._number

    def add(self, answer: Completion) -> None:
        """Keep what the table says of an answer."""
        self._position[self._number[answer.key]] = self._count
        self._count += 1
        self._teacher = answer.teacher
        scores = {"label_scores": label_scores(answer, self._label_tokens)}
        self._pending.append({name: getattr(answer, name) for name in _KEPT.names if name not in scores} | scores)
        if len(self._pending) == _BATCH:
            self._settle()

    def write(self, places: Iterable[Place], path: Path) -> None:
        """Write the answer of every place, in their order; nothing is left to add to or to write again.

        Raises:
            KeyError: for a place whose key has no answer.
        """
        self._settle()
        columns, positions = self._columns_of(places)
        self._number.clear()
        for name in _KEPT.names:
            columns[name] = self._drop_column(name).take(positions)
        columns["teacher"] = _constant(self._teacher, len(positions))
        # one chunk a column: pages, and so the file's bytes, depend on where chunks end (of equal values they don't)
        arrays = [columns.pop(field.name) for field in ANSWER_SCHEMA]
        pq.write_table(pa.Table.from_arrays(arrays, schema=ANSWER_SCHEMA), path)

    def _settle(self) -> None:
        self._batches.append(pa.RecordBatch.from_pylist(self._pending, schema=_KEPT))
        self._pending = []

    def _columns_of(self, places: Iterable[Place]) -> tuple[dict[str, pa.Array], pa.Array]:
        """Return the columns that the places know themselves, and where the answer of each lies."""
        types = [ANSWER_SCHEMA.field(name).type for name in _OF_THE_PLACE] + [pa.int32()]
        chunks = [pa.RecordBatch.from_arrays([pa.array([], kind) for kind in types], names=[*_OF_THE_PLACE, "at"])]
        waiting = iter(places)
        while some := list(islice(waiting, _BATCH)):
            lists = [*zip(*some, strict=True), [self._position_of(key) for _, _, key in some]]
            arrays = [pa.array(values, kind) for values, kind in zip(lists, types, strict=True)]
            chunks.append(pa.RecordBatch.from_arrays(arrays, names=[*_OF_THE_PLACE, "at"]))
        joined = {}
        for name in (*_OF_THE_PLACE, "at"):
            joined[name] = pa.concat_arrays([chunk[name] for chunk in chunks])
            chunks = [chunk.drop_columns([name]) for chunk in chunks]
        return joined, joined.pop("at")

    def _position_of(self, key: str) -> int:
        position = self._position[self._number[key]]
        if position == _NONE:
            raise KeyError(key)
        return position

    def _drop_column(self, name: str) -> pa.Array:
        """Return one column of all answers and forget it, so that no more than one is held twice."""
        column = pa.concat_arrays([batch[name] for batch in self._batches])
        self._batches = [batch.drop_columns([name]) for batch in self._batches]
        return column


def _constant(value: str, number: int) -> pa.ChunkedArray:
    """Return a column of one value out of one small piece: a million times 64 letters would be 64 MiB."""
    piece = pa.repeat(value, _BATCH)
    return pa.chunked_array([piece] * (number // _BATCH) + [piece[: number % _BATCH]], pa.string())
