"""Looks at one source of a recipe that is yet to be written: its columns, its labels, and how its files are written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from stillhouse.data.column_inference import Found, infer_columns
from stillhouse.data.formats import form_of, records
from stillhouse.data.skill_inference import infer_skill
from stillhouse.data.sources import resolve
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Source
from stillhouse.url_credentials import RULE, has_password, hide_passwords

_LOOK_ROWS = 200  # the columns are inferred from so many
_LABEL_ROWS = 20_000  # the label set is gathered from so many: files are often sorted by label


@dataclass(frozen=True)
class SourceLook:
    """What one source holds."""

    columns: Found
    kind: str  # of the skill that the rows are for
    others: tuple[str, ...]
    labels: tuple[str, ...]
    forms: tuple[str, ...]  # what is unusual about its files
    is_whole: bool  # all rows were read, so these are all labels
    has_unanswered: bool  # a row has an empty list of answers

    def columns_for(self, kind: str) -> Found:
        """Return the columns for a skill that another source decided: what only other skills have joins the text."""
        found = dict(self.columns)
        parts: list[str] = []
        if kind != "qa" and "context" in found:
            parts = [str(found.pop("context")), str(found["text"])]
        if kind != "nli" and "premise" in found:
            parts = [str(found.pop("premise")), str(found.pop("hypothesis"))]
        return {**found, "text": tuple(parts)} if parts else found


def look_at(path: str, options: dict[str, Any] | None, *, label_by_look: bool = True) -> SourceLook:
    """Return what the source at `path` holds, after a look at its first rows.

    Raises:
        DataError: it can't be read, holds no record, or has no column that looks like a prompt.
    """
    if has_password(path):
        raise DataError(f"{hide_passwords(path)} is refused: {RULE}.")
    forms: list[str] = []
    rows = _rows(path, options, forms)
    first = list(islice(rows, _LOOK_ROWS))
    if not first:
        raise DataError(f"{path} holds no readable record. Give JSON objects, CSV with a header, or Parquet.")
    columns = infer_columns(first, label_by_look=label_by_look)
    names = list(dict.fromkeys(name for record in first for name in record))
    if not columns:
        raise DataError(
            f"{path} has no column that looks like a prompt; its columns are {', '.join(map(repr, names))}. Give a "
            "column of texts, best called `text`, or one called `messages` with lists of {role, content} turns."
        )
    used = {name for value in columns.values() for name in ([value] if isinstance(value, str) else value)}
    gathered = [*first, *islice(rows, _LABEL_ROWS)] if "label" in columns else []
    return SourceLook(
        columns=columns,
        kind=infer_skill(first, columns),
        others=tuple(name for name in names if name not in used),
        labels=_distinct(gathered, columns.get("label")),
        forms=tuple(forms),
        is_whole=next(rows, None) is None,
        has_unanswered=any(_is_unanswered(record.get(str(columns.get("reference")))) for record in first),
    )


def _rows(path: str, options: dict[str, Any] | None, forms: list[str]) -> Iterator[dict[str, Any]]:
    # any column will do: which files a source has does not depend on it
    source = Source(path=path, columns=Columns(text="text"))
    for file in resolve(source, options):
        form = form_of(file, options)
        if form.describe() not in ("", *forms):
            forms.append(form.describe())
        for _, _, value in records(file, form, options):
            if isinstance(value, dict):
                yield value


def _is_unanswered(value: Any) -> bool:
    return value == [] or (isinstance(value, dict) and value.get("text") == [])


def _distinct(rows: Sequence[dict[str, Any]], column: Any) -> tuple[str, ...]:
    values = [row.get(column) for row in rows] if column else []
    known = (value for value in values if isinstance(value, str | int | float) and value == value)  # not NaN
    texts = (value.strip() if isinstance(value, str) else orjson.dumps(value).decode() for value in known)
    return tuple(sorted({text for text in texts if text}))
