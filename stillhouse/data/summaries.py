"""What the stages over rows note in their records."""

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary


class ReadSummary(StageSummary):
    """Lines of one source: read = rows + quarantined."""

    read: int
    rows: int
    quarantined: dict[str, int]  # by reason
    columns: tuple[str, ...] = ()


class ValidateSummary(StageSummary):
    """Rows of all sources: num_in = kept + dropped."""

    num_in: int = Field(alias="in")
    kept: dict[str, int]  # by source: train, examples, test
    dropped: dict[str, int]  # by reason
    labels: tuple[str, ...]
    redacted: dict[str, int] = Field(default_factory=dict)  # personal data replaced, by kind


class SplitSummary(StageSummary):
    """Rows of each split: num_in = train + validation + test + examples + dropped."""

    num_in: int = Field(alias="in")
    train: int
    validation: int
    test: int
    examples: int
    dropped: dict[str, int]  # by reason
    near_test: int = 0  # test rows that a second search still finds near a training row


class BalanceSummary(StageSummary):
    """Training rows by group, before and after."""

    by: str
    before: dict[str, int]
    after: dict[str, int]
    repeats: int = 0  # rows beyond the first of each that balancing took several times
