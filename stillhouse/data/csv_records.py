"""Reads the records of a CSV file; a record can go on over several lines."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from stillhouse.data.record import InvalidRecord, Record
from stillhouse.data.text_form import TextForm
from stillhouse.errors import DataError

_MAX_FIELD_CHARS = 4 << 20


class _Lines(Iterator[str]):
    """Feeds csv.reader and keeps the raw lines of the present record, so that they can be fed again."""

    def __init__(self, blocks: Iterable[list[bytes]], skipped: int) -> None:
        self.source = islice((line for block in blocks for line in block), skipped, None)
        self.again: list[bytes] = []
        self.taken: list[bytes] = []
        self.line = 1 + skipped  # where the record in `taken` starts

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


def csv_records(blocks: Iterable[list[bytes]], form: TextForm, url: str) -> Iterator[Record]:
    """Yield the records of a CSV file, given as lists of lines in UTF-8.

    Raises:
        DataError: the file has no header, or one that can't be read.
    """
    csv.field_size_limit(_MAX_FIELD_CHARS)
    lines = _Lines(blocks, form.skipped)
    header = _header(lines, form, url)
    while True:
        start = lines.line
        try:
            cells = next(csv.reader(lines, delimiter=form.delimiter, strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            # an unclosed quote swallows what follows: refuse its first line alone and go on at the next
            yield start, lines.finish(1), InvalidRecord("bad_csv", str(error))
            continue
        raw = lines.finish(len(lines.taken))
        if cells and raw.strip():
            yield start, raw, _cells(header, cells, raw)


def _header(lines: _Lines, form: TextForm, url: str) -> list[str]:
    try:
        header = next(csv.reader(lines, delimiter=form.delimiter, strict=True))
    except (StopIteration, csv.Error) as error:
        raise DataError(
            f"{url} has no header line. The first line of a CSV file names its columns; for JSON in such a file set "
            "`format: jsonl`."
        ) from error
    raw = lines.finish(len(lines.taken))
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"The header of {url} can't be read: {form.explain_bytes(str(error))}.") from error
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
