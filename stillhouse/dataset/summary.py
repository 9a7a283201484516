"""What the filter stage notes in its record."""

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary
from stillhouse.data.summaries import BalanceSummary
from stillhouse.dataset.coverage import Coverage


class WrittenRows(StageSummary):
    """Lines of the files that students are trained on."""

    train: int
    validation: int
    labelled: int


class TeacherCounts(StageSummary):
    """What became of one teacher's completions: num_in = kept + dropped; and of its prompts."""

    num_in: int = Field(alias="in")
    kept: int
    dropped: dict[str, int]  # by reason, most frequent first
    prompts: int
    usable: int  # prompts with a completion that no rule objected to, though another one may have been chosen


class LabelErrorCounts(StageSummary):
    """Labelled rows that the teacher judged, those it contradicts, and those of which it is sure."""

    judged: int
    found: int
    sure: int


class DifficultyCounts(StageSummary):
    """Training rows by difficulty (easy, medium, hard), before and after common ones were left out."""

    measure: str
    share: float  # of hard rows, as the recipe has it
    before: dict[str, int]
    after: dict[str, int]


class ReasoningCounts(StageSummary):
    """Training examples by what they show of the teacher's reasoning, with `training.reasoning: mix`."""

    long: int
    short: int
    alone: int  # the answer alone, as their share has it
    too_long: int  # the answer alone: all their reasoning is longer than the recipe's most tokens
    without: int  # the answer alone: there is no reasoning
    single: int  # of the short ones, those of which a single sample came to the answer


class TeacherTokens(StageSummary):
    """Training examples with the teacher's numbers of each token, the tokens, and the file that holds them."""

    rows: int
    tokens: int
    size_bytes: int


class PreferenceCounts(StageSummary):
    """Pairs for the second step of training, of prompts with samples; those of the rest by why they have none."""

    prompts: int
    pairs: int
    validation_pairs: int  # of the validation rows, beside
    left_out: dict[str, int]  # training prompts without a pair, by why, most frequent first


class FilterSummary(StageSummary):
    """Completions: num_in = kept + dropped; and the rows written."""

    num_in: int = Field(alias="in")
    kept: int
    dropped: dict[str, int]  # by reason, most frequent first
    rows: WrittenRows
    undecided: dict[str, int] = Field(default_factory=dict)  # kept completions that a rule could not judge, by rule
    answers: dict[str, int] = Field(default_factory=dict)  # kept completions by label
    teachers: dict[str, TeacherCounts] | None = None  # by number from 1, if there are several
    prior: tuple[float, ...] | None = None  # of a calibrated teacher, nats by label
    difficulty: DifficultyCounts | None = None
    reasoning: ReasoningCounts | None = None  # None: the recipe does not mix reasoning
    preferences: PreferenceCounts | None = None  # None: the recipe has no second step
    balance: BalanceSummary | None = None  # of the training examples, by label; None: the recipe evens out none
    coverage: Coverage | None = None  # of the test rows by the training examples
    teacher_tokens: TeacherTokens | None = None  # None: the recipe stores no numbers of tokens
    suspects: LabelErrorCounts | None = None  # None: no labelled row could be judged
