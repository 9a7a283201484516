"""What stages exchange: the reference to an artifact, its summary, and both of a finished stage."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from stillhouse.config import StrictModel


class ArtifactRef(StrictModel):
    """Names one immutable artifact of the store; its record says the rest."""

    stage: str
    fingerprint: str


class StageSummary(BaseModel):
    """The numbers that a stage notes in its record. An earlier version may have noted others, which are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def to_record(self) -> dict[str, Any]:
        """Return the summary as JSON types, without what was not measured."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


S_co = TypeVar("S_co", bound=StageSummary, covariant=True)


@dataclass(frozen=True)
class Built(Generic[S_co]):
    """A finished stage, built now or found, as a flow hands it to the stages after it."""

    label: str  # what the call is named in the run
    ref: ArtifactRef
    summary: S_co
    seconds: float  # that building it took, whichever run did
    is_cached: bool
