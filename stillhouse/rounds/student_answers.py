"""The files that a round's student leaves: what it answers to prompts that are not asked yet, for who chooses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.artifacts.fingerprint import sha256_json
from stillhouse.completions.table import ANSWER_SCHEMA
from stillhouse.data.turns import stream_rows, write_rows
from stillhouse.dataset.second_opinion import read_opinions
from stillhouse.skills.skill import Skill

OTHERS = "others.parquet"  # another learner's label probabilities
_COMPLETIONS = "completions.parquet"  # the answers as a judge reads them


def write_pool(source: Path, ids: frozenset[str], skill: Skill, out: Path) -> None:
    """Write those rows of a Parquet file that hold a prompt with one of the ids; a dialogue may hold others too."""
    found = (row for row in stream_rows(source) if any(one["id"] in ids for one in skill.cases(row)))
    write_rows(out, [dict(row) for row in found])


def write_for_judge(folder: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a student's answers as a table of completions, each with a key of its content."""
    found = [
        {"row_id": line["row_id"], "sample_index": 0, "key": _key(line), "text": line["text"], "finish_reason": "stop"}
        for line in lines
    ]
    pq.write_table(pa.Table.from_pylist(found, schema=ANSWER_SCHEMA), folder / _COMPLETIONS)


def score_keys(folder: Path) -> dict[str, str]:
    """Return the keys of the answers that a judge read, by row id; none where no judge is asked."""
    path = folder / _COMPLETIONS
    if not path.exists():
        return {}
    table = pq.read_table(path, columns=["row_id", "key"])
    return dict(zip(table["row_id"].to_pylist(), table["key"].to_pylist(), strict=True))


def read_others(path: Path) -> dict[str, list[float]]:
    """Return another learner's log-probabilities of the labels by row id; none if there is no such file."""
    return read_opinions(path) if path.exists() else {}


def _key(line: Mapping[str, Any]) -> str:
    return sha256_json({"row": line["row_id"], "text": line["text"]})
