"""The whole recipe: one YAML file, one frozen model."""

from pydantic import Field

from tasks.recipe.base import Part, provenance
from tasks.recipe.data import Data
from tasks.recipe.evaluation import Evaluation, Gate
from tasks.recipe.filters import Filters
from tasks.recipe.skill import Skill
from tasks.recipe.student import Student, Training
from tasks.recipe.teacher import Teacher


class Recipe(Part):
    """What a distillation is; where it runs is said by settings (tasks/runtime/settings.py)."""

    name: str = provenance(
        ..., "short name; run folders and the model registry use it", pattern=r"^[a-z0-9][a-z0-9-]*$"
    )
    skill: Skill
    data: Data
    teachers: tuple[Teacher, ...] = Field(min_length=1, max_length=1, description="who answers; one teacher for now")
    filters: Filters = Filters()
    student: Student
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()

    @property
    def teacher(self) -> Teacher:
        """The one teacher asked."""
        return self.teachers[0]
