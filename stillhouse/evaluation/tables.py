"""The files that measuring leaves: every model's answers, and its numbers.

Separate because a teacher behind an endpoint is measured by a worker of its own, and its files join the others'.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.evaluation.roles import ModelRole

ANSWERS_SCHEMA = pa.schema(
    [("model", pa.string()), ("row_id", pa.string()), ("answer", pa.string()), ("text", pa.string())]
)
_ANSWERS, _MEASUREMENTS = "answers.parquet", "measurements.json"


def write_tables(out: Path, answers: Sequence[Mapping[str, Any]], measured: Mapping[ModelRole, Any]) -> None:
    """Write answers.parquet and measurements.json into `out`."""
    pq.write_table(pa.Table.from_pylist(list(answers), schema=ANSWERS_SCHEMA), out / _ANSWERS)
    (out / _MEASUREMENTS).write_text(json.dumps(measured, indent=1, sort_keys=True))


def join_tables(out: Path, other: Path) -> None:
    """Put the models measured in folder `other` before those of `out`, in the files of `out`."""
    tables = [pq.read_table(folder / _ANSWERS) for folder in (other, out)]
    numbers: list[dict[ModelRole, Any]] = [json.loads((folder / _MEASUREMENTS).read_text()) for folder in (other, out)]
    write_tables(out, pa.concat_tables(tables).to_pylist(), {**numbers[0], **numbers[1]})


def quantiles(seconds: Sequence[float]) -> dict[str, float | int] | None:
    """Return p50 and p95 in milliseconds and how many were timed; None where none was."""
    if not seconds:
        return None
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, [50, 95])
    return {"p50": float(p50), "p95": float(p95), "n": len(seconds)}
