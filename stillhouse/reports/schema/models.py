"""The measured models of report.json, and the student's comparison with the others."""

from typing import Literal

from pydantic import Field

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.schema.block import Block, Count, Number


class Estimate(Block):
    """One measured quality with its interval and the number of test rows behind it."""

    value: float = Field(description="on all rows")
    low: Number = Field(description="lower end of the interval")
    high: Number = Field(description="upper end of the interval")
    n: int = Field(ge=0, description="test rows that it is measured on")


class Gain(Block):
    """The student's quality less another model's on the same rows, with its paired interval."""

    value: Number = Field(description="difference on all rows")
    low: Number = Field(description="lower end of the interval")
    high: Number = Field(description="upper end of the interval")
    p_value: Number = Field(ge=0.0, le=1.0, description="two-sided, by itself")
    p_corrected: Number = Field(
        None, ge=0.0, le=1.0, description="by Holm, for the family of all alternatives; null: of no family"
    )
    corrected_low: Number = Field(None, description="lower end of the interval that holds for the family together")
    corrected_high: Number = Field(None, description="upper end of that interval")
    smallest: Number = Field(
        None,
        ge=0.0,
        description="the least true difference that so many rows show with 80 % power, at the plain level; null: not "
        "known, as where both gave the same answers to all",
    )


class Latency(Block):
    """Milliseconds from messages to parsed answer, one request at a time."""

    p50: Number = Field(description="median")
    p95: Number = Field(description="95th percentile")
    n: Count = Field(None, description="timed requests")


class Model(Block):
    """One measured model; null: not measured."""

    name: str = Field(description="for people")
    parameters: Count = Field(description="number of weights")
    weight_bytes: Count = Field(description="of the loaded weights")
    peak_memory_bytes: Count = Field(description="of the engine's processes while all test rows are answered")
    quality: dict[str, Estimate] = Field(description="each metric, by its name")
    latency_ms: Latency | None = Field(description="of single requests, served as the model would be")
    tokens_per_second: Number = Field(description="completion tokens, all test rows in flight")
    requests_per_second: Number = Field(description="all test rows in flight")
    prompt_tokens_mean: Number = Field(description="tokens of a prompt, mean over the test rows")
    cost_usd_per_1k_requests: Number = Field(description="of requests like the test rows")
    latency_uncached_ms: Latency | None = Field(
        None, description="the same with no prefix cached; null where prompts share too little to be cached"
    )
    engine: str | None = Field(None, description="what served it")
    engine_floor_bytes: Count = Field(None, description="peak memory without weights and KV cache")
    which: str | None = Field(
        None,
        description="for `baseline`: the entry it repeats, the better of the two; for `champion`: the student of this "
        "run that it is, if it is one",
    )
    fingerprint: str | None = Field(None, description="of the measurement, if it is of an earlier run")
    notes: tuple[str, ...] = Field((), description="what is special about its measurement")


class Models(Block):
    """Every model of the comparison, measured on the same test rows; the keys are ModelRole's."""

    teacher: Model | None = Field(
        description="as its completions are generated; of several the best on the test rows, or the one that "
        "`evaluation.teacher` names"
    )
    teacher_with_second_opinion: Model | None = Field(
        None, description="the teacher with the classifier's opinion, as training labels are made; never timed"
    )
    baseline: Model | None = Field(description="a copy of the better of the two baselines")
    student: Model | None = Field(description="the main student, as exported")
    student_2: Model | None = Field(None, description="another student of the recipe, as exported")
    student_3: Model | None = Field(None, description="another student")
    student_4: Model | None = Field(None, description="another student")
    champion: Model | None = Field(
        None,
        description="the registered version that was champion before this run; null: there was none, or "
        "`comparison.not_measured` says why",
    )
    baseline_untrained: Model | None = Field(None, description="the student's weights before training")
    baseline_zero_shot: Model | None = Field(None, description="the whole base model, prompted with the instruction")
    student_labelled_only: Model | None = Field(
        None, description="the same student, trained on the labelled rows alone"
    )
    tfidf_logistic_regression: Model | None = Field(
        None, description="TF-IDF with logistic regression on the labelled rows"
    )
    encoder_logistic_regression: Model | None = Field(
        None, description="a frozen sentence encoder with logistic regression on the labelled rows"
    )
    nearest_labelled_answer: Model | None = Field(
        None, description="for free answers: the answer of the most similar labelled row"
    )
    opening_of_text: Model | None = Field(
        None, description="for summaries: the text's own first words, as many as a labelled answer has"
    )
    tfidf_on_training_examples: Model | None = Field(
        None, description="TF-IDF with logistic regression on the student's training examples"
    )
    encoder_on_training_examples: Model | None = Field(
        None, description="the sentence encoder with logistic regression on the student's training examples"
    )


class Reliability(Block):
    """Test rows of about equal certainty."""

    certainty: float = Field(description="mean, after the temperature")
    right: float = Field(description="mean score by the primary metric")
    rows: int = Field(ge=0, description="test rows")


class Certainty(Block):
    """How well the student knows what it knows."""

    temperature: float = Field(description="that sets its certainty right, from the validation rows; above 1: too sure")
    rows: int = Field(ge=0, description="validation rows that the temperature is from")
    with_reference: int = Field(
        ge=0,
        description="of these with a reference; of others the teacher's answer counts, which the filters kept",
    )
    error_before: float = Field(description="expected calibration error on the test rows as the student is")
    error: float = Field(description="the same with the temperature")
    reliability: tuple[Reliability, ...] = Field((), description="from the least certain rows on")


class CascadePoint(Block):
    """The student with the teacher behind it, at one threshold, on the test rows."""

    threshold: float = Field(description="rows of less certainty are handed back")
    handed_back: float = Field(description="share of the test rows")
    quality: float = Field(description="primary metric")
    relative_cost: float = Field(description="of a request, as a fraction of the teacher's")
    latency_ms: Number = Field(description="mean of a request")


class Cascade(Block):
    """The student with the teacher behind it, at the threshold chosen on validation rows."""

    threshold: float = Field(description="rows of less certainty are handed back")
    handed_back: float = Field(description="share of the test rows")
    quality: Estimate = Field(description="primary metric")
    gain_over_teacher: Gain = Field(description="over the teacher by itself")
    gain_over_student: Gain = Field(description="over the student by itself")
    relative_cost: float = Field(description="of a request, as a fraction of the teacher's")
    cost_of: Literal["usd", "time", "requests"] = Field(
        description="usd: costs of the recipe; time: of a request; requests: the teacher's alone, since the student's "
        "cost is not known"
    )
    chosen_by: Literal["cost", "quality"] = Field(
        "cost",
        description="cost: the largest threshold that may be spent; quality: of these the best on validation rows with "
        "a reference, which the teacher answered too",
    )
    latency_ms: Number = Field(description="mean of a request")
    curve: tuple[CascadePoint, ...] = Field((), description="every threshold that was tried")


class CommonestLabel(Block):
    """The commonest label of the test rows as the answer to every row, which needs no model."""

    label: str
    quality: float = Field(description="its primary metric, in [0, 1]")
    gain_over: Gain | None = Field(description="of the student over it")


class Comparison(Block):
    """The student against teacher, baseline and the alternatives; reductions are fractions (0.85 = 85 % less)."""

    primary_metric: str = Field(description="the recipe's first metric")
    quality_retained: Number = Field(description="the student's primary metric as a fraction of the teacher's")
    gain_over_baseline: Gain | None = Field(description="over the better baseline")
    latency_reduction: Number = Field(description="of p50, both served as they would be")
    memory_reduction: Number = Field(description="of peak memory")
    throughput_ratio: Number = Field(description="the student's requests per second over the teacher's")
    cost_reduction: Number = Field(description="of a request")
    latency_reduction_uncached: Number = Field(None, description="of p50 with no prefix cached; null where nothing is")
    latency_reduction_low: Number = Field(
        None, description="lower end of its interval, over the timed requests; null: single times are not known"
    )
    latency_reduction_high: Number = Field(None, description="upper end")
    quality_retained_low: Number = Field(None, description="lower end of the interval")
    quality_retained_high: Number = Field(None, description="upper end of the interval")
    weight_reduction: Number = Field(None, description="of the loaded weights")
    gain_over: dict[str, Gain] = Field({}, description="paired gains over other entries of `models`, by their key")
    strongest_alternative: str | None = Field(
        None, description="the entry of `models` that is best of those without a teacher"
    )
    gain_over_strongest: Gain | None = Field(None, description="over that entry")
    commonest_label: CommonestLabel | None = Field(None, description="what one answer for all rows reaches")
    certainty: Certainty | None = Field(None, description="how well the student knows what it knows")
    cascade: Cascade | None = Field(None, description="the student, with the teacher for rows that it is not sure of")
    not_measured: dict[str, str] = Field(
        {}, description="metrics of the recipe and entries of `models` that were not measured, and why"
    )
    num_clusters: Count = Field(
        None, description="groups or dialogues of test rows that intervals and p-values are over; null: over rows"
    )
    student: ModelRole = Field(
        ModelRole.STUDENT,
        description="the entry of `models` that all this is about: the best student on validation rows, or the main "
        "one where no other was measured there",
    )
    best_student: str | None = Field(
        None, description="the entry of `students` that is best on validation rows; null: there is one student"
    )
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="level of every interval")
