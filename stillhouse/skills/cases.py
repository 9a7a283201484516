"""Reads a file of rows as what is asked, learnt and measured of them.

Separate because generation, filters, measuring and report must agree on it, in both environments.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillhouse.skills.registry import skill_for
from stillhouse.skills.skill import Skill


def read_cases(path: Path | str, skill: Skill) -> list[dict[str, Any]]:
    """Return the cases of the rows in a Parquet file, in order: most skills' rows are one case each."""
    cases = skill_for(skill.kind).cases
    return [case for row in pq.read_table(path).to_pylist() for case in cases(row, skill)]


def asked_of(rows: list[dict[str, Any]], skip_labelled: bool) -> list[dict[str, Any]]:
    """Return the rows that a teacher is asked about; those with a reference may be trained on it unasked."""
    return [row for row in rows if not row["references"]] if skip_labelled else rows


def unclaimed(examples: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the labelled `examples` whose id none of `rows` has: answers go by id, and sources number on their own."""
    taken = {row["id"] for row in rows}
    return [row for row in examples if row["references"] and row["id"] not in taken]
