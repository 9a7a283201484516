"""A finished stage, as a flow hands it to the stages after it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.artifacts.summary import StageSummary

S_co = TypeVar("S_co", bound=StageSummary, covariant=True)


@dataclass(frozen=True)
class Built(Generic[S_co]):
    """A finished stage, built now or found."""

    label: str  # what the call is named in the run
    ref: ArtifactRef
    summary: S_co
    seconds: float  # that building it took, whichever run did
    is_cached: bool
