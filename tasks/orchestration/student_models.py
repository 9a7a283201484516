"""A student of a run: its part in the comparison, what it is made of, and the artifact with its weights."""

from dataclasses import dataclass
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.student import Student
from stillhouse.students.cutting.spec import CutSummary


@dataclass(frozen=True)
class StudentBase:
    """A student of the recipe before anything is made of it."""

    role: ModelRole
    config: Student
    checkpoint: Checkpoint  # of the whole model that it is made from
    cut: Built[CutSummary] | None = None  # what its cut cost before training; None: not measured yet, or it is whole
    start: Checkpoint | None = None  # what that wrote for training to begin from; None: training makes the cut itself

    @property
    def is_uncut(self) -> bool:
        """Whether it is to begin from a cut that is not made yet."""
        return not self.config.is_encoder and not self.config.cut.is_plain and self.start is None

    @property
    def initial_identity(self) -> dict[str, object]:
        """What decides the untrained student, besides the files that it begins from."""
        return self.config.initial_identity | ({"layers": 0} if self.start else {})

    def label(self, stage: str) -> str:
        """Return the label of a stage in the run; the main student's is the stage's own name."""
        return stage if self.role is ModelRole.STUDENT else f"{stage} {self.config.display_name}"

    def built_as(self, role: ModelRole, built: Built[Any]) -> "StudentModel":
        """Return a model made of this base."""
        return StudentModel(role, self, built)


@dataclass(frozen=True)
class RegisteredModel:
    """Weights of a registered version, as the champion's."""

    role: ModelRole
    ref: ArtifactRef
    is_encoder: bool  # a classifier on an encoder, which onnxruntime serves


@dataclass(frozen=True)
class StudentModel:
    """Weights that were made of a student's base."""

    role: ModelRole
    base: StudentBase
    built: Built[Any]

    @property
    def ref(self) -> ArtifactRef:
        """The artifact with its weights."""
        return self.built.ref

    @property
    def is_encoder(self) -> bool:
        """Whether it is a classifier on an encoder, which onnxruntime serves."""
        return self.base.config.is_encoder


Measurable = StudentModel | RegisteredModel


def roles_of(recipe: Recipe) -> list[tuple[ModelRole, Student]]:
    """Return the recipe's students with the part that each plays, the main one first."""
    students = recipe.all_students
    return list(zip(STUDENTS[: len(students)], students, strict=True))
