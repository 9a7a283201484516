"""Where a stage finds a model's files, and what identifies them.

Separate because a model may be a folder, a hub's name, or an artifact that this run made out of a GGUF file.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.ref import ArtifactRef
from tasks.engines.model import Model
from tasks.recipe.base import identity


class Checkpoint(BaseModel):
    """A model ready to load, or to be asked where it is served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Model
    path: str  # what an engine is given
    ref: ArtifactRef | None = None  # the artifact at `path`, for a converted file
    served: dict[str, Any] = {}  # what identifies a model behind an endpoint, whose files nobody here has

    @property
    def identity(self) -> Any:
        """What enters fingerprints: the content of the named files, or what an endpoint calls the model."""
        return {"endpoint": self.served} if self.served else identity(self.model)

    @property
    def inputs(self) -> dict[str, ArtifactRef]:
        """The artifact as a stage's input; empty where the files are the user's own."""
        return {"checkpoint": self.ref} if self.ref else {}

    def is_same_model(self, other: "Checkpoint") -> bool:
        """Return whether both are one model: by their files, or by name where not both have any."""
        if self.model.files and other.model.files:
            return self.model.files == other.model.files
        return self.model.name.casefold() == other.model.name.casefold()
