"""What the report is made of: the models and the finished stages of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.data.summaries import ReadSummary
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.alternatives.label_curve import LabelCurveSummary
from stillhouse.evaluation.alternatives.summary import AlternativesSummary
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.data import Role
from tasks.balance import Rows
from tasks.evaluate_export import MeasuredExport
from tasks.judge import JudgeSummary
from tasks.judge_pairs import JudgePairsSummary
from tasks.mix import Completions
from tasks.orchestration.champion import Champion
from tasks.orchestration.compared_teacher import ComparedTeacher
from tasks.orchestration.student_models import StudentModel


@dataclass(frozen=True)
class ReportInputs:
    """The models and the finished stages that a report is made of, in the order of the flow."""

    sources: Mapping[Role, Built[ReadSummary]]
    rows: Rows
    teachers: list[Checkpoint]
    compared: ComparedTeacher
    judge: Checkpoint | None
    completions: Completions
    scores: Built[JudgeSummary] | None
    dataset: Built[FilterSummary]
    students: list[StudentModel]
    best: ModelRole  # of the students
    champion: Champion  # before this run
    evaluation: Built[EvaluateSummary]
    encoders: list[Built[EvaluateSummary]]
    combined: Built[EvaluateSummary] | None  # teacher and second opinion
    alternatives: Built[AlternativesSummary] | None
    label_curve: Built[LabelCurveSummary] | None
    verdicts: Built[JudgePairsSummary] | None
    exports: Sequence[MeasuredExport] = ()

    @property
    def measured(self) -> list[Built[Any]]:
        """The stages that measured models."""
        return [self.evaluation, *self.encoders, *filter(None, [self.combined, self.alternatives])]

    def student(self, role: ModelRole) -> StudentModel:
        """Return the student of that role."""
        return next(one for one in self.students if one.role == role)
