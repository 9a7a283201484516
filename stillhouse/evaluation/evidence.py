"""What an evaluation left, as the report and the judge read it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillhouse.evaluation.roles import ModelRole
from stillhouse.skills.cases import read_cases
from stillhouse.skills.skill import Skill


@dataclass(frozen=True)
class Evidence:
    """The test rows with every model's answers and measurements."""

    rows: list[dict[str, Any]]
    labels: tuple[str, ...]
    answers: dict[ModelRole, list[str | None]]  # in the rows' order
    measured: dict[ModelRole, dict[str, Any]]

    @property
    def references(self) -> list[list[str]]:
        """Accepted answers of each test row."""
        return [row["references"] for row in self.rows]


def read_evidence(test: Path, evaluated: Path, labels: Sequence[str], skill: Skill) -> Evidence:
    """Return what an evaluate artifact holds, in the order of the test rows."""
    rows = read_cases(test, skill)
    found: dict[ModelRole, dict[str, str | None]] = {}
    for line in pq.read_table(evaluated / "answers.parquet").to_pylist():
        found.setdefault(ModelRole(line["model"]), {})[line["row_id"]] = line["answer"]
    alternative = evaluated / "alternative.parquet"
    if alternative.exists():
        lines = pq.read_table(alternative).to_pylist()
        found[ModelRole.TFIDF_LOGISTIC_REGRESSION] = {line["row_id"]: line["answer"] for line in lines}
    measured = json.loads((evaluated / "measurements.json").read_text())
    return Evidence(
        rows=rows,
        labels=tuple(labels),
        answers={model: [by_id[row["id"]] for row in rows] for model, by_id in found.items()},
        measured={ModelRole(name): numbers for name, numbers in measured.items()},
    )
