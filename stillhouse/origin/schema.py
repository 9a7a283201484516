"""The statement of a model's origin: an in-toto Statement v1 with a predicate of our own type."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from stillhouse.artifacts.record import FileEntry
from stillhouse.config import StrictModel
from stillhouse.origin.trees import Scalar

PAYLOAD_TYPE = "application/vnd.in-toto+json"  # of the envelope that carries a signed statement


class Digest(StrictModel):
    """The hash of a file."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's bytes, hex")


class Subject(StrictModel):
    """One file of a model that the statement is about."""

    name: str = Field(description="model/path, as student/model.safetensors or onnx-int8/export.json")
    digest: Digest


class StageOrigin(StrictModel):
    """One stage of the chain, as its record in the store has it."""

    stage: str
    version: int = Field(description="of the stage's code")
    fingerprint: str = Field(description="SHA-256 over stage, version, identity and inputs")
    calls: tuple[str, ...] = Field(description="what the run called it; empty if it only serves another stage")
    identity: Any = Field(description="all fields but the inputs that decide what the stage makes")
    inputs: dict[str, str] = Field(description="input name to stage/fingerprint, another stage of this statement")
    files: tuple[FileEntry, ...] = Field(description="path, bytes and SHA-256 of each file that the stage made")
    created: str = Field(description="when the files were made, UTC")

    @property
    def name(self) -> str:
        """The stage and its fingerprint, as inputs name it."""
        return f"{self.stage}/{self.fingerprint}"


class Code(StrictModel):
    """The code that wrote the report."""

    commit: str | None = Field(description="None if neither git nor the image knew it")
    versions: dict[str, str] = Field(description="of Stillhouse and of the libraries that the report names")


class Predicate(StrictModel):
    """How a model came about: the run's stages, from the data to the weights, its recipe and its scores."""

    model: str
    version: int
    run_id: str
    code: Code
    models: dict[str, str] = Field(description="student and each export to the stage/fingerprint that made it")
    stages: tuple[StageOrigin, ...] = Field(description="each after all that it was made of")
    recipe: dict[str, Any] = Field(description="the recipe as run, with all defaults")
    scores: dict[str, Scalar] = Field(description="each value of the report's models, comparison, gate and exports")
    documents: dict[str, Digest] = Field(description="report.json and recipe.yaml of the run, version.json")

    @property
    def address(self) -> str:
        """The model's name and version, as NAME/3."""
        return f"{self.model}/{self.version}"

    def stage_of(self, model: str) -> StageOrigin | None:
        """Return the stage that made `student` or an export; None if the statement names none."""
        return next((stage for stage in self.stages if stage.name == self.models.get(model)), None)


class Statement(StrictModel):
    """The whole statement."""

    model_config = ConfigDict(populate_by_name=True)

    type: Literal["https://in-toto.io/Statement/v1"] = Field("https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:stillhouse:model-origin:v1"] = Field(
        "urn:stillhouse:model-origin:v1", alias="predicateType"
    )
    predicate: Predicate


def subjects_of(predicate: Predicate) -> tuple[Subject, ...]:
    """Return every file of the student and of the exports, by model and path."""
    made = {model: predicate.stage_of(model) for model in predicate.models}
    return tuple(
        Subject(name=f"{model}/{entry.path}", digest=Digest(sha256=entry.sha256))
        for model, stage in made.items()
        if stage is not None
        for entry in stage.files
    )
