"""The files of an evaluation: every model's answers to the test rows, and its measurements."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.data.row import Row
from stillhouse.evaluation.roles import ModelRole
from stillhouse.skills.cases import read_cases
from stillhouse.skills.skill import Skill

ANSWERS_SCHEMA = pa.schema(
    [("model", pa.string()), ("row_id", pa.string()), ("answer", pa.string()), ("text", pa.string())]
)
_ANSWERS, _MEASUREMENTS = "answers.parquet", "measurements.json"


@dataclass(frozen=True)
class Evidence:
    """The test rows with every model's answers and measurements."""

    rows: list[Row]
    labels: tuple[str, ...]
    answers: dict[ModelRole, list[str | None]]  # in the rows' order
    measurements: dict[ModelRole, dict[str, Any]]

    @property
    def references(self) -> list[list[str]]:
        """Accepted answers of each test row."""
        return [row["references"] for row in self.rows]


def write_evidence(out: Path, answers: Sequence[Mapping[str, Any]], measurements: Mapping[ModelRole, Any]) -> None:
    """Write answers.parquet and measurements.json into `out`."""
    pq.write_table(pa.Table.from_pylist(list(answers), schema=ANSWERS_SCHEMA), out / _ANSWERS)
    (out / _MEASUREMENTS).write_text(json.dumps(measurements, indent=1, sort_keys=True))


def join_evidence(out: Path, other: Path) -> None:
    """Put the models of folder `other` before those of `out`, in the files of `out`."""
    tables = [pq.read_table(folder / _ANSWERS) for folder in (other, out)]
    measurements: dict[ModelRole, Any] = {}
    for folder in (other, out):
        measurements |= json.loads((folder / _MEASUREMENTS).read_text())
    write_evidence(out, pa.concat_tables(tables).to_pylist(), measurements)


def read_evidence(test: Path, folders: Sequence[Path], labels: Sequence[str], skill: Skill) -> Evidence:
    """Return what the artifacts in `folders` hold of their models, in the order of the test rows."""
    rows = read_cases(test, skill)
    answers: dict[ModelRole, dict[str, str | None]] = {}
    measurements: dict[str, dict[str, Any]] = {}
    for folder in folders:
        for line in pq.read_table(folder / _ANSWERS).to_pylist():
            answers.setdefault(ModelRole(line["model"]), {})[line["row_id"]] = line["answer"]
        measurements |= json.loads((folder / _MEASUREMENTS).read_text())
    return Evidence(
        rows=rows,
        labels=tuple(labels),
        answers={role: [by_id[row["id"]] for row in rows] for role, by_id in answers.items()},
        measurements={ModelRole(role): numbers for role, numbers in measurements.items()},
    )


def latency_quantiles(seconds: Sequence[float]) -> dict[str, float | int] | None:
    """Return p50 and p95 in milliseconds and the number of timed requests; None without any."""
    if not seconds:
        return None
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, [50, 95])
    return {"p50": float(p50), "p95": float(p95), "n": len(seconds)}
