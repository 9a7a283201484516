"""A version of a model: what a run's student is, what was measured of it, and what it was made of."""

from typing import Any, Literal

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.config import StrictModel
from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.schema.models import Model

# as a recipe's `name`, which a model has too
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]*$"


class VersionContent(StrictModel):
    """A version before it has a number."""

    name: str = Field(pattern=NAME_PATTERN, description="the recipe's name")
    run_id: str = Field(description="the run that trained it or found it trained")
    role: ModelRole = Field(ModelRole.STUDENT, description="its part in that run's report")
    kind: Literal["causal_lm", "encoder"]
    student: ArtifactRef = Field(description="the trained folder")
    exports: dict[str, ArtifactRef] = Field({}, description="converted folders, by the report's keys, as onnx-int8")
    primary_metric: str = Field(description="the metric that models are compared by")
    measured: Model = Field(description="the student's entry in that run's report: quality, latency, memory")
    gate: str | None = Field(None, description="the gate's verdict: passed, refused or undecidable; null: no gate")
    recipe: dict[str, Any] = Field(description="as run, with its defaults")
    fingerprints: dict[str, str] = Field({}, description="of every stage of that run, by its label")
    cards: dict[str, str] = Field({}, description="texts of the run's model card and data card, by file name")

    def is_same_model(self, other: "VersionContent") -> bool:
        """Return whether `other` is the same trained folder and brings no export that this one lacks."""
        return self.student == other.student and other.exports.items() <= self.exports.items()


class ModelVersion(VersionContent):
    """The content of version.json, which never changes."""

    schema_version: Literal[1] = 1
    version: int = Field(ge=1, description="1, 2, 3 and so on; never given twice")
    created_at: str = Field(description="ISO 8601, UTC")
    created_by: str = Field(description="who registered it")

    @property
    def reference(self) -> str:
        """The name of this version for people and commands, as demo/3."""
        return f"{self.name}/{self.version}"
