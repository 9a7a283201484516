"""Reads rows as cases: the prompts that a teacher answers, a student trains on and evaluation measures."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from stillhouse.data.row import Row
from stillhouse.data.turns import stream_rows
from stillhouse.skills.skill import Skill


def stream_cases(path: Path | str, skill: Skill) -> Iterator[Row]:
    """Yield the cases of the rows in a Parquet file, in their order; for most skills a row is one case."""
    return (case for row in stream_rows(path) for case in skill.cases(_with_tools(row)))


def read_cases(path: Path | str, skill: Skill) -> list[Row]:
    """Return `stream_cases` as a list."""
    return list(stream_cases(path, skill))


def _with_tools(row: Row) -> Row:
    """Return the row with its tools at its first turn, which takes them to the chat template or the endpoint."""
    if not row.get("tools"):
        return row
    first, *rest = row["messages"]
    return {**row, "messages": [{**first, "tools": json.loads(str(row["tools"]))}, *rest]}


def read_splits(balance: Path, split: Path, skill: Skill) -> tuple[list[Row], list[Row]]:
    """Return the training cases, and the validation cases that are of the same source, from the artifacts' folders.

    Those of `data.validation` are no part: no teacher answers them, and their ids are unique in their source alone.
    """
    validation = read_cases(split / "validation.parquet", skill)
    return read_cases(balance / "train.parquet", skill), without_own(validation)


def without_own(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are not of `data.validation`."""
    return [row for row in rows if not _is_own(row)]


def _is_own(row: Row) -> bool:
    return row.get("source") == "validation"  # a judge's questions have no source


def rows_to_ask(rows: Sequence[Row], skip_labelled: bool) -> list[Row]:
    """Return the rows that a teacher answers: none of `data.validation`; `skip_labelled`: none with a reference."""
    return [row for row in rows if is_asked(row, skip_labelled)]


def is_asked(row: Row, skip_labelled: bool) -> bool:
    """Return whether a teacher answers the row, by the rule of `rows_to_ask`."""
    return not _is_own(row) and not (skip_labelled and row["references"])


def rows_to_check(rows: Sequence[Row], examples: Sequence[Row]) -> list[Row]:
    """Return the rows that a teacher answers if it checks labels too: `rows`, and the labelled examples."""
    found = without_own(rows)
    for others in ([row for row in rows if _is_own(row)], examples):
        found += _unused(others, found)
    return found


def _unused(examples: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """Return the labelled rows whose id is not used in `rows`; ids are only unique per source."""
    used = {row["id"] for row in rows}
    return [row for row in examples if row["references"] and row["id"] not in used]
