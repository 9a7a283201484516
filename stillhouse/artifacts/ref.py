"""The reference to an artifact: all that stages exchange."""

from stillhouse.config import StrictModel


class ArtifactRef(StrictModel):
    """Names one immutable artifact of the store; its record says the rest."""

    stage: str
    fingerprint: str
