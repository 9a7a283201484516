"""What the stages over rows note in their records."""

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary


class QuarantinedLine(StageSummary):
    """A line that is no row."""

    file: str
    line: int  # from 1; of Parquet the row's number
    reason: str
    detail: str
    text: str  # its beginning

    def describe(self, file: str) -> str:
        """Return all of it on one line; `file` is the name to show."""
        return f"{file} line {self.line}: {self.reason}: {self.detail}: {self.text!r}"


class ReadSummary(StageSummary):
    """Lines of one source: read = rows + quarantined."""

    read: int
    rows: int
    quarantined: dict[str, int]  # by reason
    columns: tuple[str, ...] = ()
    forms: dict[str, str] = Field(default_factory=dict)  # what is unusual about a file (encoding, delimiter …), by URL
    ignored_turn_keys: dict[str, int] = Field(default_factory=dict)  # keys of turns without a meaning here: their turns
    first_quarantined: tuple[QuarantinedLine, ...] = ()  # of each reason


class ValidateSummary(StageSummary):
    """Rows of all sources: num_in = kept + dropped."""

    num_in: int = Field(alias="in")
    kept: dict[str, int]  # by source: train, examples, test, validation
    dropped: dict[str, int]  # by reason
    examples_dropped: dict[str, str] = Field(default_factory=dict)  # one by reason
    labels: tuple[str, ...]
    redacted: dict[str, int] = Field(default_factory=dict)  # personal data replaced, by kind
    one_sided: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # labels that one side alone has, by the side


class SplitSummary(StageSummary):
    """Rows of each split: num_in = train + validation + test + examples + dropped."""

    num_in: int = Field(alias="in")
    train: int
    validation: int
    test: int
    examples: int
    dropped: dict[str, int]  # by reason
    examples_dropped: dict[str, str] = Field(default_factory=dict)  # one by reason
    rare_in_test: dict[str, int] = Field(default_factory=dict)  # test rows of each label that has few or none
    near_test: int = 0  # test rows that a second search still finds near a training row


class BalanceSummary(StageSummary):
    """Training rows by group, before and after."""

    by: str
    before: dict[str, int]
    after: dict[str, int]
    repeats: int = 0  # rows beyond the first of each that balancing took several times
