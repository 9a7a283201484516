"""report.json, schema version 1: every number of a run, with its sample size and interval."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.schema.block import Block, Count, Number
from stillhouse.reports.schema.costs import Ledger
from stillhouse.reports.schema.data import CurvePoint, Data, Filtering, FunnelStep, Generation, LabelError, Training
from stillhouse.reports.schema.judge import Judge
from stillhouse.reports.schema.models import Comparison, Models


class GateRule(Block):
    """One rule of the gate with the report's number for it."""

    rule: str
    value: Number
    bound: Number
    passed: bool


class Gate(Block):
    """Whether the student may be promoted."""

    passed: bool
    rules: tuple[GateRule, ...]

    @model_validator(mode="after")
    def _passed_means_all(self) -> Self:
        if self.passed and not all(rule.passed for rule in self.rules):
            raise ValueError("`passed` is true although a rule failed; a gate passes only when every rule does")
        return self


class Stage(Block):
    """One stage of the run."""

    seconds: Number
    cached: bool | None
    fingerprint: str | None


class Confusion(Block):
    """Counts of test rows: row = reference, column = the model's answer, both in the order of `labels`."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    model: str = ModelRole.STUDENT

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.labels)
        if len(self.matrix) != size or any(len(row) != size for row in self.matrix):
            raise ValueError(f"the matrix must have {size} rows of {size} counts, one for each label")
        return self


class Disagreement(Block):
    """A test row on which student and teacher differ."""

    prompt: str
    reference: str | None
    teacher: str | None
    student: str | None
    teacher_right: bool | None = Field(None, description="null: this skill's answers are not plainly right or wrong")
    student_right: bool | None = None


class TeacherLicence(Block):
    """The licence of one of several teachers, as stated in the recipe."""

    name: str
    model: str
    licence: str = "unknown"
    accepted_terms: str = ""


class Licences(Block):
    """Licences as stated in the recipe; `unknown` if it states none."""

    data: dict[str, str] = Field({})
    teacher: str = "unknown"
    accepted_terms: str = ""  # of the teacher's owner, by their name in stillhouse/recipe/terms.py
    student_base: str = "unknown"
    teachers: tuple[TeacherLicence, ...] = Field((), description="each of several; `teacher` is then the first")
    judge: str | None = None  # null: no judge
    judge_accepted_terms: str = ""


class Provenance(Block):
    """Where and with what the run was made; none of it is identity."""

    versions: dict[str, str] = Field({})
    cpu_count: Count = None
    memory_bytes: Count = None
    platform: str | None = None
    commit: str | None = None
    created_at: str | None = None


class Report(Block):
    """The whole of report.json."""

    schema_version: Literal[1] = 1
    run_id: str
    recipe: dict[str, Any]
    skill: str
    data: Data | None
    generation: Generation | None
    filter: Filtering | None
    training: Training | None
    models: Models
    comparison: Comparison
    gate: Gate | None
    stages: dict[str, Stage]
    method: dict[str, str] = Field({}, description="topic to sentence: how latency, throughput, memory were measured")
    funnel: tuple[FunnelStep, ...] = ()
    curves: tuple[CurvePoint, ...] = ()
    ledger: Ledger | None = None
    confusion: Confusion | None = None
    judge: Judge | None = None
    disagreements: tuple[Disagreement, ...] = ()
    mislabelled: tuple[LabelError, ...] = ()
    licences: Licences = Licences()
    provenance: Provenance = Provenance()
