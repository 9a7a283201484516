"""Reads a source's files into rows, and keeps every line that can't become one."""

import base64
import difflib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from stillhouse.data.columns import RowValues, map_row, named_columns, used_columns
from stillhouse.data.formats import form_of, records
from stillhouse.data.parquet_io import BATCH_ROWS, RowBuffer, TableWriter
from stillhouse.data.record import InvalidRecord, Record
from stillhouse.data.sources import SourceFile
from stillhouse.data.summaries import QuarantinedLine, ReadSummary
from stillhouse.data.text_form import TextForm
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Role, Source
from stillhouse.runtime.ticker import Ticker

logger = logging.getLogger(__name__)

_MAX_NAMES = 10_000  # column names remembered for the summary and for errors


_SHOWN_CHARS = 120  # of an example of a quarantined line


class _Tally:
    """What one read has seen so far."""

    def __init__(self) -> None:
        self.read = 0
        self.quarantined: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()  # keys of turns
        self.names: set[str] = set()
        self.forms: dict[str, str] = {}
        self.examples: dict[str, QuarantinedLine] = {}  # by reason


def read(
    source: Source,
    files: Sequence[SourceFile],
    role: Role,
    out: Path,
    storage_options: dict[str, Any] | None = None,
    *,
    is_dialogue: bool = False,
    no_answer: str = "",
) -> ReadSummary:
    """Write `out`/rows.parquet and `out`/quarantine.jsonl, and return the counts and the columns' names.

    A quarantined line is kept with its file, line number (for Parquet the row's number), reason, detail and raw bytes
    (base64). Whether there are too many is for `quarantine.check_quarantined` to say, when they are stored. An empty
    list of answers is the reference `no_answer`, if there is one.

    Raises:
        DataError: a file can't be read as a whole, there are no lines, or a column of the recipe is in no row.
    """
    out.mkdir(parents=True, exist_ok=True)
    tally, buffer, ticker = _Tally(), RowBuffer(role), Ticker(logger, f"rows of data.{role} read")
    with TableWriter(out / "rows.parquet") as table, open(out / "quarantine.jsonl", "wb") as quarantine:
        for file in files:
            form = form_of(file, storage_options)
            if said := form.describe():
                tally.forms[file.url] = said
            found = records(file, form, storage_options)
            if no_answer and source.columns.reference:
                found = _with_no_answer(found, source.columns.reference, no_answer)
            keep = partial(_quarantine, file=file, form=form, tally=tally, quarantine=quarantine)
            rows = _rows(found, source.columns, tally, keep, is_dialogue)
            for row in rows:
                buffer.add(row)
                if len(buffer) == BATCH_ROWS:
                    table.write(buffer.take())
                    ticker.add(BATCH_ROWS)
        table.write(buffer.take())
        written = table.rows
    quarantined = sum(tally.quarantined.values())
    assert written + quarantined == tally.read, f"{written} rows + {quarantined} quarantined != {tally.read} read"
    if not tally.read:
        raise DataError(f"data.{role}: {', '.join(file.url for file in files[:3])} holds no rows. Give at least one.")
    _check_columns(source.columns, tally, role)
    return ReadSummary(
        read=tally.read,
        rows=written,
        quarantined=dict(sorted(tally.quarantined.items())),
        columns=tuple(sorted(tally.names)),
        forms=tally.forms,
        ignored_turn_keys=dict(sorted(tally.ignored.items())),
        first_quarantined=tuple(tally.examples.values()),
    )


def _with_no_answer(found: Iterable[Record], column: str, no_answer: str) -> Iterator[Record]:
    """Yield the records with `no_answer` for an empty list of answers, as SQuAD 2 writes it; null stays unknown."""
    for line, raw, value in found:
        given = value.get(column) if isinstance(value, dict) else None
        if given == [] or (isinstance(given, dict) and given.get("text") == []):
            yield line, raw, {**value, column: no_answer}  # type: ignore[dict-item]
        else:
            yield line, raw, value


def _rows(
    found: Iterable[Record],
    columns: Columns,
    tally: _Tally,
    keep: Callable[[Record, InvalidRecord], None],
    is_dialogue: bool,
) -> Iterator[RowValues]:
    names = tally.names
    used = used_columns(columns)
    for record in found:
        tally.read += 1
        value = record[2]
        try:
            if isinstance(value, InvalidRecord):
                raise value
            if not value.keys() <= names and len(names) < _MAX_NAMES:
                names.update(value.keys())
            yield map_row(value, columns, used, is_dialogue=is_dialogue, ignored=tally.ignored)
        except InvalidRecord as refused:
            keep(record, refused)


def _quarantine(
    record: Record, refused: InvalidRecord, *, file: SourceFile, form: TextForm, tally: _Tally, quarantine: BinaryIO
) -> None:
    line, text, value = record
    text = text or orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    reason, detail = refused.reason, refused.detail
    if reason == "not_utf8" and file.format != "parquet":
        reason = reason if form.encoding.name == "utf-8" else "wrong_encoding"
        detail = form.explain_bytes(detail)
    tally.quarantined[reason] += 1
    if reason not in tally.examples:
        shown = text[: 4 * _SHOWN_CHARS].decode(errors="replace")[:_SHOWN_CHARS]
        tally.examples[reason] = QuarantinedLine(file=file.url, line=line, reason=reason, detail=detail, text=shown)
    entry = {
        "file": file.url,
        "line": line,
        "reason": reason,
        "detail": detail,
        "raw": base64.b64encode(form.raw(text)).decode(),
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
                f"{', '.join(map(repr, sorted(tally.names)[:20]))}. Nearest: {near[0]!r}."
            )
