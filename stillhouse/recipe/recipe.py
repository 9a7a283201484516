"""The whole recipe: one YAML file, one frozen model."""

from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from stillhouse.config import FrozenModel, execution, optional_identity, provenance
from stillhouse.filters.combine import Mixing
from stillhouse.filters.rules.judge_score import JudgeScore
from stillhouse.filters.settings import Filters
from stillhouse.recipe.costs import Budget, Costs
from stillhouse.recipe.data import Data
from stillhouse.recipe.evaluation import Evaluation, Gate
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.routing import Routing
from stillhouse.recipe.student import Student, Training
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.skills.registry import AnySkill


class Recipe(FrozenModel):
    """What a distillation is; settings say where it runs (stillhouse/runtime/settings.py).

    Each section checks itself. What sections rule out together is checked by `load.parse_recipe`, the one way to make
    a recipe.
    """

    name: str = provenance(..., "short name; run folders and exported models carry it", pattern=r"^[a-z0-9][a-z0-9-]*$")
    skill: AnySkill
    data: Data
    teachers: tuple[Teacher, ...] = Field(
        min_length=1, max_length=16, description="who answers; evaluation measures the first"
    )
    routing: Routing = optional_identity(Routing(), "which of several teachers is asked what")
    mixing: Mixing = optional_identity(Mixing(), "what is kept of several teachers' answers to one prompt")
    filters: Filters = Filters()
    judge: Judge | None = optional_identity(None, "who compares the test answers in pairs, and may score a teacher's")
    student: Student
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    costs: Costs = provenance(Costs(), "what machines cost by the hour, for the report's ledger and the forecast")
    budget: Budget = execution(Budget(), "what the teacher's answers may cost; before it is passed a run ends")

    @field_validator("evaluation")
    @classmethod
    def _measured_as_the_skill_is(cls, evaluation: Evaluation, info: ValidationInfo) -> Evaluation:
        skill, teachers = info.data.get("skill"), info.data.get("teachers")
        if skill is None or not teachers:  # refused already
            return evaluation
        if strange := [name for name in evaluation.metrics if name not in skill.metric_names()]:
            raise ValueError(
                f"metrics names {', '.join(strange)}; {skill.kind} is measured by {', '.join(skill.metric_names())}"
            )
        unset: dict[str, Any] = {} if evaluation.metrics else {"metrics": skill.metric_names()}
        if not skill.has_labels and "max_tokens" not in evaluation.model_fields_set:
            unset["max_tokens"] = max(teacher.sampling.max_tokens for teacher in teachers)
        return evaluation.model_copy(update=unset)

    @property
    def served_models(self) -> dict[str, ServedModel]:
        """Every model that is asked for something that may cost, by its field."""
        judges = {"judge": self.judge} if self.judge else {}
        return {**{f"teachers.{number}": teacher for number, teacher in enumerate(self.teachers)}, **judges}

    @property
    def judge_chooses(self) -> bool:
        """Whether a judge's scores decide what the student learns."""
        is_bounded = self.filters.rule(JudgeScore).min_judge_score is not None
        return is_bounded or (self.mixing.kind, self.mixing.by) == ("best", "judge")

    @property
    def teacher(self) -> Teacher:
        """The first teacher: the one that evaluation measures, and that a form's `teacher` changes."""
        return self.teachers[0]

    @property
    def has_several(self) -> bool:
        """Whether there are several teachers, so that answers are routed and mixed."""
        return len(self.teachers) > 1

    @property
    def generations(self) -> dict[str, Teacher]:
        """The teacher of each generation, by what that is called in a run."""
        return {f"generate {one.display_name}" if self.has_several else "generate": one for one in self.teachers}
