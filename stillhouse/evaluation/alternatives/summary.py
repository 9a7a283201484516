"""What a record keeps of a measurement of alternatives."""

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary


class AlternativesSummary(StageSummary):
    """The models that were measured, and why the others were not, by their roles."""

    models: tuple[str, ...]
    not_measured: dict[str, str] = Field(default_factory=dict)
