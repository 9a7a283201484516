"""The parameters of the stages that request completions of a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field

from stillhouse.artifacts.store import StoreConfig
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.shards import Reply
from stillhouse.teachers.spec import AskSpec
from tasks.orchestration.params import Execution, IfSet, Merged, Params, only
from tasks.orchestration.run import Run


class ModelParams(Params):
    """A model and its access, whatever is requested of it."""

    fingerprint: str  # what its completions are stored under
    labels: tuple[str, ...]
    # a local model's fingerprint stays what it was before there were endpoints
    endpoint: IfSet[Endpoint | None] = None
    redacted: IfSet[bool] = False
    model_path: Execution[str]
    budget: Execution[BudgetScope]
    refusal: Execution[str] = ""

    @classmethod
    def of(cls, run: Run, model: ServedModel, checkpoint: Checkpoint, labels: tuple[str, ...], **own: Any) -> Self:
        """Return the parameters of requests to `model`; `own` holds the fields of the class itself."""
        return cls(
            fingerprint=checkpoint.fingerprint_as(model),
            labels=labels,
            endpoint=model.endpoint,
            redacted=model.endpoint is not None and model.endpoint.redacts,
            model_path=checkpoint.path,
            budget=run.budget_for(model),
            refusal=checkpoint.refusal,
            **own,
        )


class TeacherParams(ModelParams):
    """A teacher, and how it completes prompts."""

    fingerprint: str = Field(alias="teacher_fingerprint")
    teacher: Annotated[Teacher, only("prompt", "sampling", "output", "chat_template_kwargs", "template_date")]


class GenerationParams(TeacherParams):
    """All that decides a teacher's completions, but for the rows."""

    skill: Execution[AnySkill]
    skill_fields: Merged[dict[str, Any]]  # those that change what a teacher is shown
    skip_labelled: bool
    check_labels: IfSet[bool] = False
    replies: Execution[tuple[Reply, ...]] = ()

    def spec_fields(self, inputs: Mapping[str, Path], store: StoreConfig) -> dict[str, Any]:
        """Return the fields of an `AskSpec`; `inputs` holds the folders of the stage's inputs by name."""
        own = {name: value for name, value in self if name in AskSpec.model_fields}
        return {
            **own,
            "teacher_fingerprint": self.fingerprint,
            "rows": (str(inputs["balance"] / "train.parquet"), str(inputs["split"] / "validation.parquet")),
            "examples": str(inputs["split"] / "examples.parquet"),
            "only": str(inputs["routed"] / "prompts.parquet") if "routed" in inputs else None,
            "store": store,
        }
