"""Reads rows as cases: the prompts that a teacher answers, a student trains on and evaluation measures."""

import json
from collections.abc import Sequence
from pathlib import Path

from stillhouse.data.row import Row
from stillhouse.data.turns import read_rows
from stillhouse.skills.skill import Skill


def read_cases(path: Path | str, skill: Skill) -> list[Row]:
    """Return the cases of the rows in a Parquet file, in their order; for most skills a row is one case."""
    return [case for row in read_rows(path) for case in skill.cases(_with_tools(row))]


def _with_tools(row: Row) -> Row:
    """Return the row with its tools at its first turn, which takes them to the chat template or the endpoint."""
    if not row.get("tools"):
        return row
    first, *rest = row["messages"]
    return {**row, "messages": [{**first, "tools": json.loads(str(row["tools"]))}, *rest]}


def read_splits(balance: Path, split: Path, skill: Skill) -> tuple[list[Row], list[Row]]:
    """Return the training and the validation cases, from the folders of the artifacts that hold them."""
    return read_cases(balance / "train.parquet", skill), read_cases(split / "validation.parquet", skill)


def rows_to_ask(rows: list[Row], skip_labelled: bool) -> list[Row]:
    """Return the rows that a teacher answers; `skip_labelled` leaves out those with a reference."""
    return [row for row in rows if not row["references"]] if skip_labelled else rows


def unused_examples(examples: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """Return the labelled examples whose id is not used in `rows`; ids are only unique per source."""
    used = {row["id"] for row in rows}
    return [row for row in examples if row["references"] and row["id"] not in used]
