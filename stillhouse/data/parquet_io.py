"""Writes and streams the Parquet files that the data stages exchange.

The same rows give the same bytes, and no more than a batch of them is held in memory.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhouse.data.columns import RowValues
from stillhouse.data.row import DROPPED_SCHEMA, ROW_SCHEMA
from stillhouse.data.row_checks import Drop
from stillhouse.data.tool_calls import calls_as_text
from stillhouse.data.turns import TurnColumns
from stillhouse.runtime.ticker import Ticker

logger = logging.getLogger(__name__)

BATCH_ROWS = 20_000


class TableWriter:
    """Writes batches to one Parquet file; used with `with`, so that the footer is always there."""

    def __init__(self, path: Path, schema: pa.Schema = ROW_SCHEMA) -> None:
        self.schema = schema
        self.rows = 0
        self._parts: list[pa.RecordBatch] = []
        self._waiting = 0
        # texts hardly repeat: a dictionary would only cost time
        self._file = pq.ParquetWriter(
            path, schema, compression="zstd", use_dictionary=["label", "source"], write_statistics=False
        )

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append `batch`; row groups hold about BATCH_ROWS rows whatever the sizes of the batches."""
        self.rows += batch.num_rows
        if batch.num_rows:
            self._parts.append(batch)
            self._waiting += batch.num_rows
        if self._waiting >= BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._parts:
            table = pa.Table.from_batches(self._parts, self.schema).combine_chunks()
            self._file.write_table(table, row_group_size=self._waiting)
        self._parts, self._waiting = [], 0


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `path` in order, at most BATCH_ROWS a batch; if that takes long, the log says how far it is."""
    # pre_buffer would keep all of the file that was read
    with pq.ParquetFile(path, pre_buffer=False) as file:
        ticker = Ticker(logger, f"rows of {path.name} done", file.metadata.num_rows)
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns) if columns else None):
            yield batch
            ticker.add(batch.num_rows)


def count_rows(path: Path) -> int:
    """Return the number of rows in `path`, from its footer."""
    return int(pq.read_metadata(path).num_rows)


class RowBuffer:
    """Collects rows of one source as columns of strings; for speed it keeps no object a row."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._clear()

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, row: RowValues) -> None:
        """Append one row."""
        name, digest, messages, references, label, meta, tools = row
        self._ids.append(name)
        self._digests.append(digest)
        self._turns.add(messages)
        self._references.extend(references)
        self._answers.append(len(self._references))
        self._labels.append(label)
        self._meta.append(meta)
        self._tools.append(tools)

    def take(self) -> pa.RecordBatch:
        """Return the rows as one batch of ROW_SCHEMA, and start anew."""
        text = pa.string()
        arrays = [
            pa.array(self._ids, text),
            pa.array(self._digests, text),
            self._turns.array(),
            pa.ListArray.from_arrays(pa.array(self._answers, pa.int32()), pa.array(self._references, text)),
            pa.array(self._labels, text),
            pa.repeat(pa.scalar(self._source), len(self)),
            pa.array(self._meta, text),
            pa.array(self._tools, text),
        ]
        self._clear()
        return pa.RecordBatch.from_arrays(arrays, schema=ROW_SCHEMA)

    def _clear(self) -> None:
        self._ids: list[str] = []
        self._digests: list[str] = []
        self._turns = TurnColumns()
        self._references: list[str] = []
        self._answers: list[int] = [0]
        self._labels: list[str | None] = []
        self._meta: list[str] = []
        self._tools: list[str | None] = []


def conversations(batch: pa.RecordBatch) -> Iterator[list[tuple[str, str]]]:
    """Yield each row's turns as (role, content) pairs; an assistant's calls of tools stand in its content."""
    column = batch.column("messages")
    turns = column.flatten()
    contents = turns.field("content").to_pylist()
    called = turns.field("tool_calls")
    for at in np.flatnonzero(called.is_valid().to_numpy(zero_copy_only=False)).tolist():
        contents[at] = calls_as_text(contents[at], orjson.loads(called[at].as_py()))
    pairs = list(zip(turns.field("role").to_pylist(), contents, strict=True))
    lengths = np.diff(column.offsets.to_numpy()).tolist()
    start = 0
    for length in lengths:
        yield pairs[start : start + length]
        start += length


def user_texts(batch: pa.RecordBatch) -> list[str]:
    """Return each row's prompt text, as `prompt_text` does but without a dictionary a turn."""
    column = batch.column("messages")
    turns = column.flatten()
    one_turn = pc.all(pc.equal(pc.list_value_length(column), 1)).as_py()
    if one_turn and pc.all(pc.equal(turns.field("role"), "user")).as_py():  # the usual rows
        return list(turns.field("content").to_pylist())
    return ["\n".join([content for role, content in turns if role == "user"]) for turns in conversations(batch)]


def dropped_batch(batch: pa.RecordBatch, drops: Sequence[Drop | None]) -> pa.RecordBatch:
    """Return the rows of `batch` that are dropped, with reason and detail, as DROPPED_SCHEMA."""
    dropped = batch.filter(pa.array([drop is not None for drop in drops]))
    reasons = pa.array([drop.reason for drop in drops if drop], pa.string())
    details = pa.array([drop.detail for drop in drops if drop], pa.string())
    return pa.RecordBatch.from_arrays([*dropped.columns, reasons, details], schema=DROPPED_SCHEMA)
