"""Turns a file of each format into records: a dictionary, or the reason why a record can't be read."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.data.lines import MAX_LINE_BYTES, line_blocks
from stillhouse.data.sources import SourceFile, open_source
from stillhouse.errors import DataError

_MAX_FIELD_CHARS = 4 << 20
_BATCH = 4096


class InvalidRecord(Exception):
    """Why one record can't be a row: a reason in one word, and a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


# One record of a file: its first line (from 1), its raw bytes, and a dictionary or what is wrong with it. The line of a
# Parquet row is its number, and its bytes are empty if the dictionary is complete. A bare tuple: there are millions.
Record = tuple[int, bytes, dict[str, Any] | InvalidRecord]


def records(file: SourceFile, storage_options: dict[str, Any] | None = None) -> Iterator[Record]:
    """Yield the records of one file in order, in constant memory. Blank lines are no records.

    Raises:
        DataError: the file as a whole can't be read (absent, forbidden, damaged, no header).
    """
    read = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}[file.format]
    return read(file.url, storage_options)


def _jsonl(url: str, options: dict[str, Any] | None) -> Iterator[Record]:
    number = 0
    for block in line_blocks(url, options):
        for line in block:
            number += 1
            if line and not line.isspace():
                yield number, line, parse_line(line)


def parse_line(line: bytes) -> dict[str, Any] | InvalidRecord:
    """Return the JSON object on `line`, or what is wrong with it. The last value of a repeated key counts."""
    if len(line) > MAX_LINE_BYTES:
        return InvalidRecord("line_too_long", f"longer than {MAX_LINE_BYTES} bytes; only so much of it is kept here")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _not_json(line, str(error))
    if isinstance(value, dict):
        return value
    return InvalidRecord("not_object", f"a line must hold one JSON object, this one holds a {type(value).__name__}")


def _not_json(line: bytes, message: str) -> InvalidRecord:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return InvalidRecord("not_utf8", str(error))
    if "surrogate" in message:
        return InvalidRecord("lone_surrogate", message)
    hint = " (NaN and Infinity are no JSON)" if b"NaN" in line or b"Infinity" in line else ""
    return InvalidRecord("not_json", message + hint)


class _Lines(Iterator[str]):
    """Feeds csv.reader and keeps the raw lines of the present record, so that they can be fed again."""

    def __init__(self, url: str, options: dict[str, Any] | None) -> None:
        self.source = (line for block in line_blocks(url, options) for line in block)
        self.again: list[bytes] = []
        self.taken: list[bytes] = []
        self.line = 1  # where the record in `taken` starts

    def __next__(self) -> str:
        raw = self.again.pop() if self.again else next(self.source)
        self.taken.append(raw)
        return raw.decode(errors="surrogateescape") + "\n"

    def finish(self, count: int) -> bytes:
        """Close a record of the first `count` lines taken; the others will be fed again."""
        done, back = self.taken[:count], self.taken[count:]
        self.again.extend(reversed(back))
        self.taken = []
        self.line += count
        return b"\n".join(done)


def _csv(url: str, options: dict[str, Any] | None) -> Iterator[Record]:
    csv.field_size_limit(_MAX_FIELD_CHARS)
    lines = _Lines(url, options)
    header = _header(lines, url)
    while True:
        start = lines.line
        try:
            cells = next(csv.reader(lines, strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            # an unclosed quote swallows what follows: refuse its first line alone and go on at the next
            yield start, lines.finish(1), InvalidRecord("bad_csv", str(error))
            continue
        raw = lines.finish(len(lines.taken))
        if cells and raw.strip():
            yield start, raw, _cells(header, cells, raw)


def _header(lines: _Lines, url: str) -> list[str]:
    try:
        header = next(csv.reader(lines, strict=True))
    except (StopIteration, csv.Error) as error:
        raise DataError(f"{url} has no header line. The first line of a CSV file names its columns.") from error
    lines.finish(len(lines.taken))
    if len(set(header)) != len(header):
        raise DataError(f"{url} names a column twice in its header: {', '.join(header)}. Rename one of them.")
    return header


def _cells(header: list[str], cells: list[str], raw: bytes) -> dict[str, Any] | InvalidRecord:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return InvalidRecord("not_utf8", str(error))
    if len(cells) != len(header):
        return InvalidRecord("ragged_row", f"{len(cells)} cells under {len(header)} columns")
    return dict(zip(header, cells, strict=True))


def _parquet(url: str, options: dict[str, Any] | None) -> Iterator[Record]:
    number = 0
    try:
        with open_source(url, options) as file:
            for batch in pq.ParquetFile(file).iter_batches(_BATCH):
                for raw, value in _values(batch):
                    number += 1
                    yield number, raw, value
    except pa.ArrowException as error:
        raise DataError(f"{url} is no readable Parquet file: {error}. Write or copy it again.") from error


def _values(batch: pa.RecordBatch) -> Iterator[tuple[bytes, dict[str, Any] | InvalidRecord]]:
    try:
        for value in batch.to_pylist():
            yield b"", value
    except UnicodeDecodeError:
        for row in (batch.slice(index, 1) for index in range(batch.num_rows)):
            try:
                yield b"", row.to_pylist()[0]
            except UnicodeDecodeError as error:
                yield _ipc(row), InvalidRecord("not_utf8", str(error))


def _ipc(row: pa.RecordBatch) -> bytes:
    """Return one row as an Arrow IPC stream: the only faithful bytes of a Parquet row."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, row.schema) as stream:
        stream.write_batch(row)
    return sink.getvalue()
