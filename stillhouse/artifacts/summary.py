"""What a stage's record says of its artifact, as a typed model."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class StageSummary(BaseModel):
    """The numbers that a stage notes in its record. An earlier version may have noted others, which are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def to_record(self) -> dict[str, Any]:
        """Return the summary as JSON types, without what was not measured."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
