"""The specs of the workers that export and measure, read in both environments, and what they return."""

from typing import Literal

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, StageSummary
from stillhouse.config import StrictModel
from stillhouse.evaluation.roles import ModelRole
from stillhouse.exports.formats import Kind
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.registry import AnySkill


class ExportSpec(StrictModel):
    """One student and the format that it is exported to."""

    schema_version: Literal[1] = 1
    format: str
    precision: str
    kind: Kind
    folder: str  # of the trained student
    student: ArtifactRef
    out: str


class ExportSummary(StageSummary):
    """An export's sizes in bytes."""

    size_bytes: int
    weight_bytes: int
    tools: dict[str, str] = Field({})  # package -> version


class EvaluateExportSpec(StrictModel):
    """One export and the rows that it answers."""

    schema_version: Literal[1] = 1
    role: ModelRole  # of the student that was exported
    folder: str
    student: str  # folder of the trained student
    skill: AnySkill
    labels: tuple[str, ...]
    evaluation: Evaluation
    threads: int
    test: str  # Parquet file
    out: str


class EvaluateExportSummary(StageSummary):
    """The number of test rows, and what is wrong with the export."""

    rows: int
    problems: tuple[str, ...] = ()
