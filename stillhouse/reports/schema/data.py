"""The blocks of report.json about rows: read, answered by teachers, filtered and trained on."""

from typing import Literal

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, GenerationCounts, Number


class Balance(Block):
    """Training rows or examples a group, before and after balancing."""

    before: dict[str, int] = Field(description="rows by group")
    after: dict[str, int] = Field(description="rows by group")


class GroupShare(Block):
    """One group's rows among the training examples and the test rows."""

    kind: str = Field(description="label, length, script or cluster (TF-IDF, named by its weightiest words)")
    group: str = Field(description="its name")
    train: int = Field(ge=0, description="training examples")
    test: int = Field(ge=0, description="test rows")


class Coverage(Block):
    """How well the training examples stand for the test rows."""

    train: int = Field(ge=0, description="training examples")
    test: int = Field(ge=0, description="test rows")
    groups: list[GroupShare] = Field(description="rows of each group; clusters are made of at most 5,000 of each side")
    findings: list[str] = Field(description="groups whose two shares differ much and not by chance, in words")


class Data(Block):
    """Rows read, quarantined, dropped and kept."""

    read: Count = Field(description="rows read from all sources")
    quarantined: Count = Field(description="rows that could not be read")
    dropped: dict[str, int] = Field(description="rows dropped by validation and splitting, by reason")
    dropped_examples: dict[str, str] = Field({}, description="one of these rows, and what it repeats, by reason")
    train: Count = Field(description="training prompts, after balancing")
    validation: Count = Field(description="validation rows")
    validation_own: Count = Field(
        None,
        description="of these, rows of `data.validation`, with labels of their own; null: an older report",
    )
    test: Count = Field(description="test rows")
    near_test: Count = Field(
        None, description="test rows that a last search still finds near a training row; null: an older report"
    )
    balance: Balance | None = Field(description="null: not recorded")
    coverage: Coverage | None = Field(None, description="null: not compared")
    ignored_turn_keys: dict[str, int] = Field(
        {},
        description="keys of recorded turns that were left out, for they have no meaning here, and their turns",
    )
    rare_in_test: dict[str, int] = Field({}, description="test rows of each label that has fewer than five")
    labelled: Count = Field(None, description="labelled rows that prompts may show")
    one_sided_labels: dict[str, list[str]] = Field(
        {},
        description="labels that only test rows have (`test`), only the other labelled rows (`train`), or only the "
        "recipe (`recipe`)",
    )


class Redacted(Block):
    """Prompts of which personal data was taken out before they were sent: in all, and by mark."""

    prompts: int = Field(ge=0, description="redacted prompts")
    marks: dict[str, int] = Field({}, description="prompts with that mark, by mark")


class TeacherShare(GenerationCounts):
    """What this run requested of one of several teachers, and what became of its completions."""

    prompts: Count = Field(description="prompts it answered, each counted once")
    usable: Count = Field(description="of these, prompts with a completion that no filter objected to")
    kept: Count = Field(description="its completions that are training examples")
    dropped: dict[str, int] = Field({}, description="its dropped completions, by reason")
    share: Number = Field(description="of all training examples that a teacher gave")
    success_ratio: Number = Field(description="usable / prompts")
    cost_usd: Number = Field(description="paid in this run; null: the price is not known")


class Generation(GenerationCounts):
    """What this run requested of all teachers."""

    tokens_per_second: Number = Field(description="completion tokens; null: nothing was generated")
    cost_usd: Number = Field(description="paid in this run; null: the price is not known")
    redacted: Redacted | None = Field(None, description="null: prompts were used as they are")
    teachers: dict[str, TeacherShare] = Field({}, description="by name, if there are several")


class LabelErrors(Block):
    """Labelled rows that the teacher answered, those it contradicts, and of these those it is sure of."""

    judged: int = Field(ge=0, description="labelled rows with a completion")
    found: int = Field(ge=0, description="of these, those whose label the teacher contradicts")
    sure: int = Field(ge=0, description="of these, those that it is sure of")


class Difficulty(Block):
    """The teacher's training rows by their difficulty for it, before and after subsampling."""

    measure: Literal["disagreement", "margin", "probability", "logprob"] = Field(
        description="what difficulty is measured by"
    )
    share: float = Field(ge=0.0, le=1.0, description="of hard rows that the recipe sets")
    before: dict[str, int] = Field(description="rows by difficulty")
    after: dict[str, int] = Field(description="rows by difficulty")


class ReasoningShares(Block):
    """Training examples by what they show of the teacher's reasoning."""

    long: int = Field(ge=0, description="with the longest reasoning that came to the answer")
    short: int = Field(ge=0, description="with the shortest")
    alone: int = Field(ge=0, description="the answer alone, as the shares have it")
    too_long: int = Field(ge=0, description="the answer alone, for all their reasoning is over the most tokens")
    without: int = Field(ge=0, description="the answer alone, for there is no reasoning")
    single: int = Field(ge=0, description="of the short ones, those of which one sample alone came to the answer")


class PreferencePairs(Block):
    """Pairs of a better and a worse sample of one prompt, for the second step of training."""

    prompts: int = Field(ge=0, description="training prompts with samples")
    pairs: int = Field(ge=0, description="of these prompts; one may have several")
    validation_pairs: int = Field(ge=0, description="of the validation rows' prompts")
    left_out: dict[str, int] = Field(description="training prompts without a pair, by why")


class Filtering(Block):
    """Completions before and after the filters."""

    entered: Count = Field(alias="in", description="completions that were filtered")
    kept: Count = Field(description="completions that passed all filters")
    dropped: dict[str, int] = Field(description="completions, by reason")
    undecided: dict[str, int] = Field({}, description="kept completions that a filter could not judge, by filter")
    suspects: LabelErrors | None = Field(None, description="null: no labelled row could be judged")
    difficulty: Difficulty | None = Field(None, description="null: `filters.hard_share` is not set")
    reasoning: ReasoningShares | None = Field(None, description="null: `training.reasoning` is not mix")
    preferences: PreferencePairs | None = Field(None, description="null: `training.preferences` is not set")
    balance: Balance | None = Field(
        None, description="training examples by label, before and after balancing; null: `data.balance.by` is not label"
    )


class SoftLabels(Block):
    """The teacher's probabilities of the labels, as the student learnt them beside the answers."""

    weight: float = Field(ge=0.0, le=1.0, description="their share of the loss")
    temperature: float = Field(ge=1.0, description="that softens both sides; 1: as they are")
    rows: int = Field(ge=0, description="training examples that have them; the others teach their label alone")


class LearntLogits(Block):
    """The teacher's log-probabilities that a student learnt."""

    k: int = Field(ge=1, description="likeliest tokens at each position, unless tokens were drawn")
    draws: int = Field(ge=0, description="tokens drawn at each position; 0: the likeliest are learnt")
    loss: str = Field(description="forward_kl, skewed_forward_kl or reverse_kl")
    weight: float = Field(ge=0.0, le=1.0, description="their share of the loss")
    temperature: float = Field(ge=1.0, description="that softens both sides; 1: as they are")
    by_certainty: bool = Field(description="whether that share falls where the teacher is sure")
    tokens: int = Field(ge=0, description="of answers that have them")
    of: int = Field(ge=0, description="tokens of all answers; the others teach their text alone")


class PreferenceStep(Block):
    """The second step of training, on pairs. A margin is how much more of a reward the better answer gained (nats)."""

    loss: str = Field(description="sigmoid or ipo")
    beta: float = Field(gt=0.0, description="how near the student is held to what the first step made of it")
    pairs: int = Field(ge=0, description="learnt from")
    pairs_too_long: int = Field(ge=0, description="left out, for one of their answers is over training.max_length")
    validation_pairs: int = Field(ge=0, description="that chose the last weights; 0: the last step's were taken")
    steps: int = Field(ge=0, description="optimizer steps")
    seconds: Number = Field(description="of training, in all attempts")
    train_loss: Number = Field(description="mean over the steps")
    validation_loss: Number = Field(description="least; null: no validation pairs")
    accuracy: Number = Field(description="share of pairs whose better answer gained more, in the last tenth of steps")
    margin: Number = Field(description="mean of the same pairs")
    validation_accuracy: Number = Field(description="of the validation pairs; null: there are none")
    validation_margin: Number = Field(description="of the validation pairs; null: there are none")


class StartingPoint(Block):
    """What a student kept of its base model, and what that cost before any training; losses are nats a token."""

    layers: tuple[int, ...] = Field(description="numbers of the base's layers that it keeps, from 0")
    whole_layers: int = Field(ge=1, description="layers of the base")
    neurons: int = Field(ge=1, description="feed-forward neurons of each layer")
    whole_neurons: int = Field(ge=1, description="the same of the base")
    heads: int = Field(ge=1, description="attention heads of each layer")
    whole_heads: int = Field(ge=1, description="the same of the base")
    parameters: int = Field(ge=0, description="numbers in its weights")
    whole_parameters: int = Field(ge=0, description="the same of the base")
    embeddings: str = Field(description="what became of the embeddings; model: they are as they were")
    correction_steps: int = Field(ge=0, description="optimizer steps of the whole base before the cut")
    loss_whole: Number = Field(description="mean loss of the answers' tokens, of the whole base as it came")
    loss_corrected: Number = Field(None, description="of the whole base after these steps; null: there were none")
    loss_cut: Number = Field(description="of what is left, before training")
    loss_rows: int = Field(ge=1, description="rows that the losses are measured on")
    loss_on: str = Field(description="what these rows are: validation rows or training examples, never test rows")


class Training(Block):
    """What the student was trained on and how it ended."""

    rows: Count = Field(description="training examples")
    tokens: Count = Field(description="non-padding tokens seen, over all epochs")
    steps: Count = Field(description="optimizer steps")
    seconds: Number = Field(description="of training, in all attempts")
    train_loss: Number = Field(description="mean over the steps; of a linear encoder the loss at the end")
    validation_loss: Number = Field(description="least; null: no validation rows")
    method: str | None = Field(description="full or lora; of an encoder linear or fine_tuned")
    libraries: dict[str, str] = Field({}, description="versions of the libraries that trained and wrote the student")
    soft_labels: SoftLabels | None = Field(None, description="null: `training.soft_labels` is not set")
    logits: LearntLogits | None = Field(None, description="null: `training.kind` is not logits")
    preferences: PreferenceStep | None = Field(None, description="null: there was no second step")
    cut: StartingPoint | None = Field(None, description="null: the student is its whole base, or of an earlier version")


class FunnelStep(Block):
    """Rows into and out of one stage, with the reason of every drop."""

    stage: str = Field(description="its name")
    entered: int = Field(alias="in", ge=0, description="rows that entered")
    out: int = Field(ge=0, description="rows that left")
    dropped: dict[str, int] = Field({}, description="rows, by reason")
    added: int = Field(0, ge=0, description="rows the stage made, as up-sampling does")

    @property
    def unaccounted(self) -> int:
        """Rows that neither left the stage nor have a reason; anything but 0 is a bug and is shown."""
        return self.entered + self.added - self.out - sum(self.dropped.values())


class CurvePoint(Block):
    """Losses after one optimizer step; either may be null."""

    step: int = Field(ge=0, description="optimizer steps done")
    train_loss: Number = Field(None, description="of this step")
    validation_loss: Number = Field(None, description="after this step")


class LabelError(Block):
    """A row whose given label the teacher contradicts, for a person to check."""

    prompt: str = Field(description="the row's text")
    label: str = Field(description="as given")
    suggested: str = Field(description="the teacher's label")
    confidence: Number = Field(None, description="the teacher's, in [0, 1]")
    score: Number = Field(None, description="the teacher's probability of the given label, in [0, 1]")
    id: str | None = Field(None, description="the row's")
    source: str | None = Field(None, description="where the row was read")
