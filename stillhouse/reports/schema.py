"""The frozen models of report.json, schema version 1: every number of a run, with its sample size and interval.

Separate because the gate, the page, the cards and the tables all read this one model, and files of it are kept for
good: fields are added, never renamed. A number that could not be measured is null, never 0 and never guessed.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stillhouse.evaluation.roles import ModelRole

Count = int | None
Number = float | None


class Block(BaseModel):
    """A frozen part of the report that refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, serialize_by_alias=True)


class Estimate(Block):
    """One measured quality with its interval and the number of test rows behind it."""

    value: float
    low: Number
    high: Number
    n: int = Field(ge=0)


class Gain(Block):
    """The student's quality less another model's on the same rows, with its paired interval."""

    value: Number
    low: Number
    high: Number
    p_value: Number = Field(ge=0.0, le=1.0)


class Latency(Block):
    """Milliseconds from messages to parsed answer, one request at a time."""

    p50: Number
    p95: Number
    n: Count = None


class Model(Block):
    """One measured model; null stands for what could not be measured."""

    name: str
    parameters: Count
    weight_bytes: Count
    peak_memory_bytes: Count
    quality: dict[str, Estimate]
    latency_ms: Latency | None
    tokens_per_second: Number
    requests_per_second: Number
    prompt_tokens_mean: Number
    cost_usd_per_1k_requests: Number
    engine: str | None = None
    engine_floor_bytes: Count = None
    which: str | None = Field(None, description="for `baseline`: the entry it repeats, the better of the two")
    fingerprint: str | None = Field(None, description="of the measurement, where it was carried from an earlier run")
    notes: tuple[str, ...] = ()


class Models(Block):
    """Every model of the comparison, measured on the same test rows."""

    teacher: Model | None
    baseline: Model | None
    student: Model | None
    baseline_untrained: Model | None = None
    baseline_zero_shot: Model | None = None
    student_labelled_only: Model | None = None
    tfidf_logistic_regression: Model | None = None


class Balance(Block):
    """Training rows a group, before and after balancing."""

    before: dict[str, int]
    after: dict[str, int]


class Data(Block):
    """Rows read, put aside and kept."""

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
    marks: dict[str, int] = {}


class Asked(Block):
    """What a model was asked in a run, and what came from the store instead."""

    requests: Count
    from_store: Count
    generated: Count
    prompt_tokens: Count
    completion_tokens: Count
    seconds: Number


class TeacherShare(Asked):
    """What one of several teachers was asked, and what became of its answers."""

    prompts: Count = Field(description="prompts it answered, each counted once")
    usable: Count = Field(description="of these, prompts with an answer that no filter objected to")
    kept: Count = Field(description="its answers that are lessons")
    dropped: dict[str, int] = Field({}, description="its answers that are none, by reason")
    share: Number = Field(description="of all lessons that a teacher gave")
    success_ratio: Number = Field(description="usable / prompts")
    cost_usd: Number


class Generation(Asked):
    """What the teachers were asked and what came from the store instead."""

    tokens_per_second: Number
    cost_usd: Number
    redacted: Redacted | None = Field(None, description="null: prompts were used as they are")
    teachers: dict[str, TeacherShare] = Field({}, description="by name, where there are several")


class Suspects(Block):
    """Labelled rows that the teacher answered, those it contradicts, and of these those it is sure of."""

    judged: int = Field(ge=0)
    found: int = Field(ge=0)
    sure: int = Field(ge=0)


class Difficulty(Block):
    """The teacher's training rows by how hard they were for it, before and after the share of hard ones was set."""

    measure: Literal["disagreement", "margin", "logprob"]
    share: float = Field(ge=0.0, le=1.0)
    before: dict[str, int]
    after: dict[str, int]


class Filtered(Block):
    """Completions that went into the filters and those they kept."""

    entered: Count = Field(alias="in")
    kept: Count
    dropped: dict[str, int]
    suspects: Suspects | None = Field(None, description="null: no labelled row could be judged")
    difficulty: Difficulty | None = Field(None, description="null: `filters.hard_share` is not set")


class Work(Block):
    """An amount of work and what it cost."""

    requests: Count
    prompt_tokens: Count
    completion_tokens: Count
    seconds: Number
    usd: Number


class LedgerLine(Block):
    """One paid part of the distillation."""

    what: str
    stage: str
    from_store: Count = Field(None, description="answers found instead of asked, in this run")
    run: Work = Field(description="what this run did and paid")
    life: Work = Field(description="what it took in all, in whichever run, at today's price")
    price: str = Field(description="where the price is from")


class BreakEven(Block):
    """After how many requests to the student the distillation has paid for itself."""

    requests: Count
    reason: str


class Ledger(Block):
    """Everything that is paid for; a total is null where a part of it has no price."""

    lines: tuple[LedgerLine, ...]
    run_usd: Number
    life_usd: Number
    unpriced: tuple[str, ...] = Field((), description="parts whose cost is not known")
    break_even: BreakEven


class Training(Block):
    """What the student was trained on and how it ended."""

    rows: Count
    tokens: Count
    steps: Count
    seconds: Number
    train_loss: Number
    validation_loss: Number
    method: str | None


class Comparison(Block):
    """The student against teacher, baseline and the alternatives; reductions are fractions (0.85 = 85 % less)."""

    primary_metric: str
    quality_retained: Number
    gain_over_baseline: Gain | None
    latency_reduction: Number
    memory_reduction: Number
    throughput_ratio: Number
    cost_reduction: Number
    quality_retained_low: Number = None
    quality_retained_high: Number = None
    weight_reduction: Number = None
    gain_over: dict[str, Gain] = Field({}, description="paired gains over other entries of `models`, by their key")
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="level of every interval")


class Versus(Block):
    """What a judge says of the student's answers beside another model's; shares are of the test rows."""

    model: str = Field(description="the entry of `models` that was compared with")
    asked: int = Field(ge=0, description="pairs put to the judge, each in both orders; the others needed none")
    win: Estimate
    tie: Estimate
    loss: Estimate
    win_rate: Estimate = Field(description="wins and half of the ties")
    p_value: Number = Field(ge=0.0, le=1.0)
    agreement: Number = Field(ge=0.0, le=1.0, description="share of pairs with the same verdict in both orders")
    first_position: Number = Field(
        ge=0.0, le=1.0, description="share of verdicts for the answer shown first; 0.5: even"
    )
    longer_wins: Number = Field(ge=0.0, le=1.0, description="share of decided pairs that the longer answer won")
    unreadable: int = Field(ge=0, description="verdicts that could not be read, two of each pair")


class Scored(Block):
    """How a judge scored the teacher's answers that a filter chose from."""

    scored: int = Field(ge=0)
    unreadable: int = Field(ge=0)
    scores: dict[str, int]
    questions: Asked


class Judge(Block):
    """The judge, and what it said of the student and of the teacher's answers."""

    name: str
    engine: str
    criteria: str
    against: dict[str, Versus] = {}
    questions: Asked | None = Field(None, description="about pairs")
    scored: Scored | None = None
    notes: tuple[str, ...] = ()


class GateRule(Block):
    """One rule of the gate with the number it met."""

    rule: str
    value: Number
    bound: Number
    passed: bool


class Gate(Block):
    """Whether the student may be promoted, and whether it was."""

    passed: bool
    rules: tuple[GateRule, ...]
    promoted: bool | None = None
    note: str = ""

    @model_validator(mode="after")
    def _passed_means_all(self) -> Self:
        if self.passed and not all(rule.passed for rule in self.rules):
            raise ValueError("`passed` is true although a rule failed; a gate passes only when every rule does")
        return self


class Stage(Block):
    """One stage of the run."""

    seconds: Number
    cached: bool | None
    fingerprint: str | None


class FunnelStep(Block):
    """Rows into and out of one stage, with the reason of every drop."""

    stage: str
    entered: int = Field(alias="in", ge=0)
    out: int = Field(ge=0)
    dropped: dict[str, int] = {}
    added: int = Field(0, ge=0, description="rows the stage made, as up-sampling does")

    @property
    def unaccounted(self) -> int:
        """Rows that neither left the stage nor have a reason; anything but 0 is a bug and is shown."""
        return self.entered + self.added - self.out - sum(self.dropped.values())


class CurvePoint(Block):
    """Losses after one optimizer step; either may be absent."""

    step: int = Field(ge=0)
    train_loss: Number = None
    validation_loss: Number = None


class Confusion(Block):
    """Counts of test rows: row = reference, column = the model's answer, both in the order of `labels`."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    model: str = ModelRole.STUDENT

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.labels)
        if len(self.matrix) != size or any(len(row) != size for row in self.matrix):
            raise ValueError(f"the matrix must have {size} rows of {size} counts, one for each label")
        return self


class Disagreement(Block):
    """A test row on which the student departs from the teacher or the reference."""

    prompt: str
    reference: str | None
    teacher: str | None
    student: str | None
    teacher_right: bool | None = Field(None, description="null: no answer of this skill is plainly right or wrong")
    student_right: bool | None = None


class Mislabelled(Block):
    """A row whose given label the teacher contradicts, for a person to look at."""

    prompt: str
    label: str
    suggested: str
    confidence: Number = None
    score: Number = Field(None, description="how well the given label stands, in [0, 1]")
    id: str | None = None
    source: str | None = None


class TeacherLicence(Block):
    """What one of several teachers may be used for, as stated in the recipe."""

    name: str
    model: str
    licence: str = "unknown"
    accepted_terms: str = ""


class Licences(Block):
    """Licences as stated in the recipe; `unknown` where nobody stated one."""

    data: dict[str, str] = {}
    teacher: str = "unknown"
    accepted_terms: str = ""  # of the teacher's owner, by their name in stillhouse/recipe/terms.py
    student_base: str = "unknown"
    teachers: tuple[TeacherLicence, ...] = Field((), description="each of several; `teacher` is then the first")
    judge: str | None = None  # null where there was none
    judge_accepted_terms: str = ""


class Provenance(Block):
    """Where and with what the run was made; none of it is identity."""

    versions: dict[str, str] = {}
    cpu_count: Count = None
    memory_bytes: Count = None
    device: str | None = None
    platform: str | None = None
    commit: str | None = None
    created_at: str | None = None


class Report(Block):
    """The whole of report.json."""

    schema_version: Literal[1] = 1
    run_id: str
    recipe: dict[str, Any]
    skill: str
    data: Data | None
    generation: Generation | None
    filter: Filtered | None
    training: Training | None
    models: Models
    comparison: Comparison
    gate: Gate | None
    stages: dict[str, Stage]
    method: dict[str, str] = Field({}, description="topic to sentence: how latency, throughput, memory were measured")
    funnel: tuple[FunnelStep, ...] = ()
    curves: tuple[CurvePoint, ...] = ()
    ledger: Ledger | None = None
    confusion: Confusion | None = None
    judge: Judge | None = None
    disagreements: tuple[Disagreement, ...] = ()
    mislabelled: tuple[Mislabelled, ...] = ()
    licences: Licences = Licences()
    provenance: Provenance = Provenance()
