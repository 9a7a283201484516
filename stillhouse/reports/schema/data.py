"""The blocks of report.json about rows: read, answered by teachers, filtered and trained on."""

from typing import Literal

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, GenerationCounts, Number


class Balance(Block):
    """Training rows a group, before and after balancing."""

    before: dict[str, int]
    after: dict[str, int]


class Data(Block):
    """Rows read, quarantined, dropped and kept."""

    read: Count
    quarantined: Count
    dropped: dict[str, int]
    train: Count
    validation: Count
    test: Count
    balance: Balance | None
    labelled: Count = None


class Redacted(Block):
    """Prompts of which personal data was taken out before they were sent: in all, and by mark."""

    prompts: int = Field(ge=0)
    marks: dict[str, int] = Field({})


class TeacherShare(GenerationCounts):
    """What this run requested of one of several teachers, and what became of its completions."""

    prompts: Count = Field(description="prompts it answered, each counted once")
    usable: Count = Field(description="of these, prompts with a completion that no filter objected to")
    kept: Count = Field(description="its completions that are training examples")
    dropped: dict[str, int] = Field({}, description="its dropped completions, by reason")
    share: Number = Field(description="of all training examples that a teacher gave")
    success_ratio: Number = Field(description="usable / prompts")
    cost_usd: Number


class Generation(GenerationCounts):
    """What this run requested of all teachers."""

    tokens_per_second: Number
    cost_usd: Number
    redacted: Redacted | None = Field(None, description="null: prompts were used as they are")
    teachers: dict[str, TeacherShare] = Field({}, description="by name, if there are several")


class LabelErrors(Block):
    """Labelled rows that the teacher answered, those it contradicts, and of these those it is sure of."""

    judged: int = Field(ge=0)
    found: int = Field(ge=0)
    sure: int = Field(ge=0)


class Difficulty(Block):
    """The teacher's training rows by their difficulty for it, before and after subsampling."""

    measure: Literal["disagreement", "margin", "logprob"]
    share: float = Field(ge=0.0, le=1.0)
    before: dict[str, int]
    after: dict[str, int]


class Filtering(Block):
    """Completions before and after the filters."""

    entered: Count = Field(alias="in")
    kept: Count
    dropped: dict[str, int]
    suspects: LabelErrors | None = Field(None, description="null: no labelled row could be judged")
    difficulty: Difficulty | None = Field(None, description="null: `filters.hard_share` is not set")


class Training(Block):
    """What the student was trained on and how it ended."""

    rows: Count
    tokens: Count
    steps: Count
    seconds: Number
    train_loss: Number
    validation_loss: Number
    method: str | None


class FunnelStep(Block):
    """Rows into and out of one stage, with the reason of every drop."""

    stage: str
    entered: int = Field(alias="in", ge=0)
    out: int = Field(ge=0)
    dropped: dict[str, int] = Field({})
    added: int = Field(0, ge=0, description="rows the stage made, as up-sampling does")

    @property
    def unaccounted(self) -> int:
        """Rows that neither left the stage nor have a reason; anything but 0 is a bug and is shown."""
        return self.entered + self.added - self.out - sum(self.dropped.values())


class CurvePoint(Block):
    """Losses after one optimizer step; either may be null."""

    step: int = Field(ge=0)
    train_loss: Number = None
    validation_loss: Number = None


class LabelError(Block):
    """A row whose given label the teacher contradicts, for a person to check."""

    prompt: str
    label: str
    suggested: str
    confidence: Number = None
    score: Number = Field(None, description="the teacher's probability of the given label, in [0, 1]")
    id: str | None = None
    source: str | None = None
