"""Turns a file of each format into records: a dictionary, or the reason why a record can't be read."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from stillhouse.data.csv_records import csv_records
from stillhouse.data.json_stream import pieces
from stillhouse.data.lines import MAX_LINE_BYTES, file_blocks, line_blocks
from stillhouse.data.parquet_records import parquet_records
from stillhouse.data.record import InvalidRecord, Record
from stillhouse.data.sources import SourceFile
from stillhouse.data.text_form import TextForm, find_form, text_blocks


def form_of(file: SourceFile, storage_options: dict[str, Any] | None = None) -> TextForm:
    """Return how a file is written; a Parquet file says so itself.

    Raises:
        DataError: the file can't be read, or its JSON holds columns, not rows.
    """
    return TextForm() if file.format == "parquet" else find_form(file, storage_options)


def records(file: SourceFile, form: TextForm, storage_options: dict[str, Any] | None = None) -> Iterator[Record]:
    """Yield the records of one file in order, in constant memory. Blank lines are no records.

    The bytes of a record are in UTF-8, whatever the file's encoding; `form.raw` gives those of the file.

    Raises:
        DataError: the file as a whole can't be read (absent, forbidden, damaged, no header).
    """
    if file.format == "parquet":
        return parquet_records(file.url, storage_options)
    blocks = text_blocks(file_blocks(file.url, storage_options), form, file.url)
    if file.format == "csv":
        return csv_records(line_blocks(blocks, form.newline), form, file.url)
    if form.layout == "lines":
        return _json_lines(line_blocks(blocks, form.newline))
    return ((line, raw, parse_line(raw)) for line, raw in pieces(blocks, form.layout, file.url))


def _json_lines(blocks: Iterable[list[bytes]]) -> Iterator[Record]:
    number = 0
    for block in blocks:
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
    return InvalidRecord("not_object", f"a row must be one JSON object, this is a {type(value).__name__}")


def _not_json(line: bytes, message: str) -> InvalidRecord:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return InvalidRecord("not_utf8", str(error))
    if "surrogate" in message:
        return InvalidRecord("lone_surrogate", message)
    hint = " (NaN and Infinity are no JSON)" if b"NaN" in line or b"Infinity" in line else ""
    return InvalidRecord("not_json", message + hint)
