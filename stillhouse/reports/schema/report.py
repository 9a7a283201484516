"""report.json, schema version 1: every number of a run, with its sample size and interval."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.schema.block import Block, Count, Number
from stillhouse.reports.schema.costs import Ledger
from stillhouse.reports.schema.data import CurvePoint, Data, Filtering, FunnelStep, Generation, LabelError, Training
from stillhouse.reports.schema.exports import ExportResult
from stillhouse.reports.schema.gate import Gate
from stillhouse.reports.schema.judge import Judge
from stillhouse.reports.schema.label_worth import LabelWorth
from stillhouse.reports.schema.models import Comparison, Model, Models
from stillhouse.reports.schema.rounds import AskedRounds
from stillhouse.reports.schema.seeds import SeedSpread
from stillhouse.reports.schema.slices import Agreement, Slices
from stillhouse.reports.schema.students import StudentResult
from stillhouse.reports.schema.sweep import SweepResult


class Stage(Block):
    """One stage of the run."""

    seconds: Number = Field(description="that building it took, whichever run did")
    cached: bool | None = Field(description="whether an earlier run built it")
    fingerprint: str | None = Field(description="of its artifact")


class Confusion(Block):
    """Counts of test rows: row = reference, column = the model's answer, both in the order of `labels`."""

    labels: tuple[str, ...] = Field(description="the last may be `unparsable`")
    matrix: tuple[tuple[int, ...], ...] = Field(description="rows of counts")
    model: str = Field(ModelRole.STUDENT, description="the role that answered")

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.labels)
        if len(self.matrix) != size or any(len(row) != size for row in self.matrix):
            raise ValueError(f"the matrix must have {size} rows of {size} counts, one for each label")
        return self


class Disagreement(Block):
    """A test row on which student and teacher differ."""

    prompt: str = Field(description="the row's text")
    reference: str | None = Field(description="an accepted answer")
    teacher: str | None = Field(description="its answer; null: unreadable")
    student: str | None = Field(description="its answer; null: unreadable")
    teacher_right: bool | None = Field(None, description="null: this skill's answers are not plainly right or wrong")
    student_right: bool | None = Field(None, description="likewise")


class TeacherLicence(Block):
    """The licence of one of several teachers, as stated in the recipe."""

    name: str = Field(description="its display name")
    model: str = Field(description="the name of its model")
    licence: str = Field("unknown", description="as stated")
    accepted_terms: str = Field("", description="as below")


class Licences(Block):
    """Licences as stated in the recipe; `unknown` if it states none."""

    data: dict[str, str] = Field({}, description="by source")
    teacher: str = Field("unknown", description="of the first teacher")
    accepted_terms: str = Field(
        "",
        description="terms of use that forbid training on the teacher's answers, and of which the recipe states that "
        "they do not bind its user, as in `teachers.0.accept_terms`",
    )
    student_base: str = Field("unknown", description="of the main student's base model")
    student_bases: dict[str, str] = Field({}, description="of the others' base models, by the student's name")
    encoder: str | None = Field(None, description="of the sentence encoder that was measured; no part of the student")
    teachers: tuple[TeacherLicence, ...] = Field((), description="each of several; `teacher` is then the first")
    judge: str | None = Field(None, description="null: no judge")
    judge_accepted_terms: str = Field("", description="the same for the judge's output")


class Provenance(Block):
    """Where and with what the run was made; none of it is identity."""

    versions: dict[str, str] = Field({}, description="of Stillhouse and its libraries")
    cpu_count: Count = Field(None, description="of the machine that wrote the report")
    memory_bytes: Count = Field(None, description="of that machine")
    platform: str | None = Field(None, description="of that machine")
    commit: str | None = Field(None, description="of the code")
    created_at: str | None = Field(None, description="ISO 8601, UTC")


class Report(Block):
    """The whole of report.json."""

    schema_version: Literal[1] = Field(1, description="version of this form")
    run_id: str = Field(description="the folder under runs/")
    recipe: dict[str, Any] = Field(description="the whole recipe, with its defaults")
    skill: str = Field(description="the recipe's `skill.kind`")
    data: Data | None = Field(description="null: not recorded")
    generation: Generation | None = Field(description="null: not recorded")
    filter: Filtering | None = Field(description="null: not recorded")
    training: Training | None = Field(description="of the compared student; null: not recorded")
    models: Models = Field(description="measured models, by role")
    comparison: Comparison = Field(description="the student against the others")
    students: dict[str, StudentResult] = Field(
        {}, description="every student, by its key in `models`; empty: there is one, which writes text"
    )
    exports: dict[str, ExportResult] = Field({}, description="students in other formats, by their key, as onnx-int8")
    gate: Gate | None = Field(description="the recipe's rules; null: not decided yet")
    stages: dict[str, Stage] = Field(description="each stage of the run, by its label")
    method: dict[str, str] = Field({}, description="topic to sentence: how latency, throughput, memory were measured")
    funnel: tuple[FunnelStep, ...] = Field((), description="rows in and out of each stage, in order")
    curves: tuple[CurvePoint, ...] = Field((), description="losses over the training, by step")
    ledger: Ledger | None = Field(None, description="what was paid for, and break-even")
    confusion: Confusion | None = Field(None, description="of the student; null: the skill has no labels")
    rounds: AskedRounds | None = Field(None, description="in which the teacher was asked; null: all at once")
    label_worth: LabelWorth | None = Field(None, description="null: the recipe wants no alternatives or has no labels")
    judge: Judge | None = Field(None, description="null: the recipe has no judge")
    agreement: Agreement | None = Field(None, description="of student and teacher; null: one was not measured")
    seeds: tuple[SeedSpread, ...] = Field(
        (), description="students that differ in their training seed alone: the spread that no interval holds"
    )
    slices: Slices | None = Field(None, description="student and teacher by label, length and more; null: not measured")
    disagreements: tuple[Disagreement, ...] = Field((), description="at most 25")
    mislabelled: tuple[LabelError, ...] = Field((), description="the likeliest label errors, at most 25")
    sweep: SweepResult | None = Field(None, description="the sweep whose winner this is; null: of none")
    licences: Licences = Field(Licences(), description="of data and models")
    provenance: Provenance = Field(Provenance(), description="versions, machine and time")

    @property
    def student(self) -> Model | None:
        """The student that `comparison` is about."""
        found: Model | None = getattr(self.models, self.comparison.student)
        return found
