"""The measured models of report.json, and the student's comparison with the others."""

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, Number


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
    """One measured model; null: not measured."""

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
    fingerprint: str | None = Field(None, description="of the measurement, if it is of an earlier run")
    notes: tuple[str, ...] = ()


class Models(Block):
    """Every model of the comparison, measured on the same test rows; the keys are ModelRole's."""

    teacher: Model | None
    baseline: Model | None
    student: Model | None
    baseline_untrained: Model | None = None
    baseline_zero_shot: Model | None = None
    student_labelled_only: Model | None = None
    tfidf_logistic_regression: Model | None = None


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
