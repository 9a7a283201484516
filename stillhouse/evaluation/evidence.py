"""The files of an evaluation: every model's answers to the test rows, and its measurements."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.data.row import Row
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scored import Scored
from stillhouse.skills.cases import read_cases
from stillhouse.skills.skill import Skill

ANSWERS_SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("row_id", pa.string()),
        ("answer", pa.string()),
        ("text", pa.string()),
        # of the completion, and of each label by its first token (nats); null where they are not known
        ("logprob", pa.float64()),
        ("label_logprobs", pa.list_(pa.float64())),
    ]
)
ANSWERS, MEASUREMENTS = "answers.parquet", "measurements.json"
VALIDATION = "validation.parquet"  # a student's answers to the validation rows


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

    def with_same(self, role: ModelRole, other: ModelRole) -> Self:
        """Return the evidence with the answers and measurements of `other` as those of `role` too."""
        return replace(
            self,
            answers=self.answers | {role: self.answers[other]},
            measurements=self.measurements | {role: self.measurements[other]},
        )


def write_evidence(out: Path, answers: Sequence[Mapping[str, Any]], measurements: Mapping[ModelRole, Any]) -> None:
    """Write answers.parquet and measurements.json into `out`."""
    write_answers(out / ANSWERS, answers)
    (out / MEASUREMENTS).write_text(json.dumps(measurements, indent=1, sort_keys=True))


def write_answers(path: Path, answers: Sequence[Mapping[str, Any]]) -> None:
    """Write a table of answers; what a line does not have is null."""
    pq.write_table(pa.Table.from_pylist(list(answers), schema=ANSWERS_SCHEMA), path)


def gather_evidence(folders: Mapping[ModelRole, Path], timings: Mapping[ModelRole, Any], out: Path) -> None:
    """Write into `out` what the folders of single models hold, in their order, with the models' `timings`.

    A model is named by its role here, whatever role it had when it answered.
    """
    answers: list[dict[str, Any]] = []
    validation: list[dict[str, Any]] = []
    measurements: dict[ModelRole, Any] = {}
    for role, folder in folders.items():
        (numbers,) = json.loads((folder / MEASUREMENTS).read_text()).values()
        measurements[role] = numbers | timings[role]
        answers += _read_as(role, folder / ANSWERS)
        if (folder / VALIDATION).exists():
            validation += _read_as(role, folder / VALIDATION)
    write_evidence(out, answers, measurements)
    if validation:
        write_answers(out / VALIDATION, validation)


def _read_as(role: ModelRole, path: Path) -> list[dict[str, Any]]:
    return [line | {"model": role} for line in pq.read_table(path).to_pylist()]


def join_evidence(out: Path, other: Path) -> None:
    """Put the models of folder `other` before those of `out`, in the files of `out`."""
    answers: list[dict[str, Any]] = []
    measurements: dict[ModelRole, Any] = {}
    for folder in (other, out):
        answers += pq.read_table(folder / ANSWERS).to_pylist()
        measurements |= json.loads((folder / MEASUREMENTS).read_text())
    write_evidence(out, answers, measurements)


def read_evidence(test: Path, folders: Sequence[Path], labels: Sequence[str], skill: Skill) -> Evidence:
    """Return what the artifacts in `folders` hold of their models, in the order of the test rows."""
    rows = read_cases(test, skill)
    answers: dict[ModelRole, dict[str, str | None]] = {}
    measurements: dict[str, dict[str, Any]] = {}
    for folder in folders:
        for line in pq.read_table(folder / ANSWERS).to_pylist():
            answers.setdefault(ModelRole(line["model"]), {})[line["row_id"]] = line["answer"]
        measurements |= json.loads((folder / MEASUREMENTS).read_text())
    return Evidence(
        rows=rows,
        labels=tuple(labels),
        answers={role: [by_id[row["id"]] for row in rows] for role, by_id in answers.items()},
        measurements={ModelRole(role): numbers for role, numbers in measurements.items()},
    )


def read_scored(path: Path) -> dict[ModelRole, dict[str, Scored]]:
    """Return each model's answers by row id, with how probable it found them; none if there is no such file."""
    found: dict[ModelRole, dict[str, Scored]] = {}
    for line in pq.read_table(path).to_pylist() if path.exists() else []:
        # an earlier version noted no probabilities
        scored = Scored(line["answer"], line.get("logprob"), line.get("label_logprobs"))
        found.setdefault(ModelRole(line["model"]), {})[line["row_id"]] = scored
    return found


def latency_numbers(seconds: Sequence[float], uncached: Sequence[float] = ()) -> dict[str, Any]:
    """Return a model's measurements of the times of single requests; `uncached` are those with nothing cached.

    The single times (ms) are in the order of the requests, which are the same for all models timed together.
    """
    return {
        "latency_ms": latency_quantiles(seconds),
        "latencies_ms": [1000 * one for one in seconds],
        "latency_uncached_ms": latency_quantiles(uncached),
        "latencies_uncached_ms": [1000 * one for one in uncached],
    }


def latency_quantiles(seconds: Sequence[float]) -> dict[str, float | int] | None:
    """Return p50 and p95 in milliseconds and the number of timed requests; None without any."""
    if not seconds:
        return None
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, [50, 95])
    return {"p50": float(p50), "p95": float(p95), "n": len(seconds)}
