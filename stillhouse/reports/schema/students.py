"""The students of a report, beside the main one: what each keeps of the teacher, and how it was trained."""

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, Number
from stillhouse.reports.schema.data import Training
from stillhouse.reports.schema.models import Cascade, Certainty


class StudentResult(Block):
    """One student against the teacher; reductions are fractions (0.85 = 85 % less)."""

    name: str = Field(description="for people")
    kind: str = Field(description="causal_lm or encoder")
    quality_retained: Number = Field(description="its primary metric as a fraction of the teacher's")
    quality_retained_low: Number = Field(description="lower end of the interval")
    quality_retained_high: Number = Field(description="upper end of the interval")
    latency_reduction: Number = Field(description="of p50")
    latency_reduction_uncached: Number = Field(None, description="the same with no prompt's beginning kept")
    throughput_ratio: Number = Field(description="its requests per second over the teacher's")
    memory_reduction: Number = Field(description="of peak memory")
    weight_reduction: Number = Field(description="of the loaded weights")
    cost_reduction: Number = Field(description="of a request")
    validation_accuracy: Number = Field(description="on the validation rows; null: not measured, or free answers")
    validation_quality: Number = Field(
        None, description="of free answers: the primary metric on validation rows with a reference; null: not measured"
    )
    validation_rows: Count = Field(description="rows that it is measured on; `data.validation_own` says whose labels")
    export_agreement: Number = Field(
        None, description="of an encoder: share of the texts it learnt on which int8 and float32 choose the same label"
    )
    certainty: Certainty | None = Field(None, description="how well it knows what it knows")
    cascade: Cascade | None = Field(None, description="it, with the teacher for rows that it is not sure of")
    why_no_cascade: str = Field("", description="why `cascade` is null")
    training: Training | None = Field(None, description="how it was trained")
