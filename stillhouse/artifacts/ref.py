"""The reference to an artifact: all that stages exchange."""

from pydantic import BaseModel, ConfigDict


class ArtifactRef(BaseModel):
    """Names one immutable artifact of the store; its record says the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    fingerprint: str
