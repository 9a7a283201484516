"""Reads a source's files into rows, and keeps every line that can't become one."""

import base64
import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from stillhouse.data.columns import RowValues, map_row, named_columns
from stillhouse.data.formats import InvalidRecord, Record, records
from stillhouse.data.parquet_io import BATCH_ROWS, RowBuffer, TableWriter
from stillhouse.data.sources import SourceFile
from stillhouse.data.summaries import ReadSummary
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Role, Source

_MAX_NAMES = 10_000  # column names remembered for the summary and for errors


class _Tally:
    """What one read has seen so far."""

    def __init__(self) -> None:
        self.read = 0
        self.quarantined: Counter[str] = Counter()
        self.names: set[str] = set()
        self.first: list[str] = []  # the first refusals, for an error message


def read(
    source: Source,
    files: Sequence[SourceFile],
    role: Role,
    out: Path,
    storage_options: dict[str, Any] | None = None,
    *,
    is_dialogue: bool = False,
) -> ReadSummary:
    """Write `out`/rows.parquet and `out`/quarantine.jsonl, and return the counts and the columns' names.

    A quarantined line is kept with its file, line number (for Parquet the row's number), reason, detail and raw bytes
    (base64).

    Raises:
        DataError: a file can't be read as a whole, a column of the recipe is in no row, or no line is a row.
    """
    out.mkdir(parents=True, exist_ok=True)
    tally, buffer = _Tally(), RowBuffer(role)
    with TableWriter(out / "rows.parquet") as table, open(out / "quarantine.jsonl", "wb") as quarantine:
        for file in files:
            found = records(file, storage_options)
            rows = _rows(found, source.columns, file.url, tally, quarantine, is_dialogue)
            for row in rows:
                buffer.add(row)
                if len(buffer) == BATCH_ROWS:
                    table.write(buffer.take())
        table.write(buffer.take())
        written = table.rows
    quarantined = sum(tally.quarantined.values())
    assert written + quarantined == tally.read, f"{written} rows + {quarantined} quarantined != {tally.read} read"
    _check_columns(source.columns, tally, role)
    _check_some(written, tally, files, role)
    return ReadSummary(
        read=tally.read,
        rows=written,
        quarantined=dict(sorted(tally.quarantined.items())),
        columns=tuple(sorted(tally.names)),
    )


def _rows(
    found: Iterable[Record], columns: Columns, url: str, tally: _Tally, quarantine: BinaryIO, is_dialogue: bool
) -> Iterator[RowValues]:
    names = tally.names
    used = frozenset(named_columns(columns).values())
    for record in found:
        tally.read += 1
        value = record[2]
        try:
            if isinstance(value, InvalidRecord):
                raise value
            if not value.keys() <= names and len(names) < _MAX_NAMES:
                names.update(value.keys())
            yield map_row(value, columns, used, is_dialogue=is_dialogue)
        except InvalidRecord as refused:
            _quarantine(record, url, refused, tally, quarantine)


def _quarantine(record: Record, url: str, refused: InvalidRecord, tally: _Tally, quarantine: BinaryIO) -> None:
    line, raw, value = record
    raw = raw or orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    tally.quarantined[refused.reason] += 1
    if len(tally.first) < 3:
        tally.first.append(f"{url} line {line}: {refused.reason}: {refused.detail}")
    entry = {
        "file": url,
        "line": line,
        "reason": refused.reason,
        "detail": refused.detail,
        "raw": base64.b64encode(raw).decode(),
    }
    quarantine.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))


def _check_columns(columns: Columns, tally: _Tally, role: Role) -> None:
    if not tally.names:
        return
    for field, name in named_columns(columns).items():
        if name not in tally.names:
            near = difflib.get_close_matches(name, sorted(tally.names), n=1, cutoff=0.0)
            raise DataError(
                f"data.{role}.columns.{field} is {name!r}, but no row has such a column. Found: "
                f"{', '.join(sorted(tally.names)[:20])}. Nearest: {near[0]!r}."
            )


def _check_some(written: int, tally: _Tally, files: Sequence[SourceFile], role: Role) -> None:
    if written:
        return
    where = ", ".join(file.url for file in files[:3])
    if not tally.read:
        raise DataError(f"data.{role}: {where} holds no rows. Give a file with at least one line.")
    raise DataError(
        f"data.{role}: none of the {tally.read} lines of {where} is a row. The first: {'; '.join(tally.first)}. "
        "JSONL has one JSON object a line; check `format` and `columns`."
    )
