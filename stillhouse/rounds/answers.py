"""Joins the answers of all rounds into one table, and ranks prompts by what a student answered."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhouse.completions.table import ANSWER_SCHEMA
from stillhouse.rounds.draw import in_random_order


def gathered(tables: Sequence[Path]) -> pa.Table:
    """Return the completions of several rounds as one table, in their order.

    A row that a later one asks again has the later answers alone.
    """
    parts: list[pa.Table] = []
    answered_later: set[str] = set()
    for path in reversed(tables):
        found = pq.read_table(path, schema=ANSWER_SCHEMA)
        ids = set(found["row_id"].to_pylist())
        if both := ids & answered_later:
            found = found.filter(pc.invert(pc.is_in(found["row_id"], pa.array(sorted(both)))))
        answered_later |= ids
        parts.append(found)
    return pa.concat_tables([ANSWER_SCHEMA.empty_table(), *reversed(parts)]).combine_chunks()


def ranked(
    lines: Mapping[str, Mapping[str, Any]], unsure: Callable[[Mapping[str, Any]], float], seed: int
) -> list[str]:
    """Return the row ids of a student's answers, those with the most `unsure` first, of equals any."""
    # sorting keeps the order of equals
    return sorted(in_random_order(lines, seed), key=lambda one: -unsure(lines[one]))
