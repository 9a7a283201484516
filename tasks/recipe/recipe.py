"""The whole recipe: one YAML file, one frozen model."""

from pydantic import Field, ValidationInfo, field_validator, model_validator

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

    @field_validator("evaluation")
    @classmethod
    def _metrics_of_the_skill(cls, evaluation: Evaluation, info: ValidationInfo) -> Evaluation:
        skill = info.data.get("skill")
        if skill is None:  # refused already
            return evaluation
        if strange := [name for name in evaluation.metrics if name not in skill.metrics]:
            raise ValueError(
                f"metrics names {', '.join(strange)}; {skill.kind} is measured by {', '.join(skill.metrics)}"
            )
        return evaluation if evaluation.metrics else evaluation.model_copy(update={"metrics": skill.metrics})

    @model_validator(mode="after")
    def _fits_the_skill(self) -> "Recipe":
        kind = self.skill.kind
        for column, wanted in (("premise", "nli"), ("context", "qa")):
            for role in ("train", "examples", "test"):
                source = getattr(self.data, role)
                if source is not None and getattr(source.columns, column) is not None and kind != wanted:
                    raise ValueError(
                        f"data.{role}.columns names `{column}`, which is for skill.kind: {wanted}; it is {kind}"
                    )
        if self.filters.min_agreement and not self.skill.votes:
            raise ValueError(f"filters.min_agreement has no meaning for skill.kind: {kind}, whose texts never agree")
        if self.skill.is_dialogue and self.teacher.prompt.layout == "text":
            raise ValueError("prompt.layout: text shows the user's words alone; a conversation needs turns or list")
        if getattr(self.skill, "chain_of_density", 0) and self.teacher.prompt.examples:
            raise ValueError(
                "skill.chain_of_density shows the teacher no examples, since they are one summary each; set "
                "prompt.examples to 0"
            )
        if self.skill.has_labels:
            return self
        for setting, needs_labels in {
            "calibration: batch": self.teacher.calibration == "batch",
            f"prompt.selection: {self.teacher.prompt.selection}": self.teacher.prompt.selection.endswith("_per_label"),
            "data.balance.by: label": self.data.balance.by == "label",
        }.items():
            if needs_labels:
                raise ValueError(f"{setting} goes by labels, and skill.kind: {kind} has none")
        return self

    @property
    def teacher(self) -> Teacher:
        """The one teacher asked."""
        return self.teachers[0]
