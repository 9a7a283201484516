"""What the filter stage notes in its record."""

from typing import Any

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary


class WrittenRows(StageSummary):
    """Lines of the files that students are trained on."""

    train: int
    validation: int
    labelled: int


class FilterSummary(StageSummary):
    """Completions: num_in = kept + dropped; and the rows written."""

    num_in: int = Field(alias="in")
    kept: int
    dropped: dict[str, int]  # by reason
    rows: WrittenRows
    answers: dict[str, int] = Field(default_factory=dict)  # kept completions by label
    prior: tuple[float, ...] | None = None  # of a calibrated teacher, nats by label
    suspects: dict[str, Any] | None = None  # label errors, where they were looked for
    difficulty: dict[str, Any] | None = None
    teachers: dict[str, Any] | None = None  # by the teachers' numbers from 1, where there are several
