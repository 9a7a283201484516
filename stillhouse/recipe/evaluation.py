"""How models are measured, and which rules a student must pass."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from stillhouse.config import FrozenModel, execution
from stillhouse.recipe.teacher import Engine
from stillhouse.skills.registry import METRICS

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[tuple(sorted(METRICS))]


class Evaluation(FrozenModel):
    """Quality, latency, throughput and memory, measured the same way for every model."""

    metrics: tuple[MetricName, ...] = Field(
        (), description="what quality is measured by, the first is the one compared; empty takes the skill's"
    )
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="level of every interval")
    resamples: int = Field(2000, ge=100, description="bootstrap resamples")
    seed: int = Field(0, ge=0, description="seed of the bootstrap and of the choice of latency rows")
    max_tokens: int = Field(
        16,
        ge=1,
        description="completion tokens at most; without it, free answers may have what the teacher's `sampling` allows",
    )
    latency_requests: int = Field(
        50, ge=50, description="single requests timed, with distinct test rows where possible"
    )
    warm_requests: int = Field(10, ge=10, description="requests before the timed ones")
    concurrency: int = Field(64, ge=1, description="sequences in flight when throughput is measured")
    student_dtype: Literal["bfloat16", "float16", "float32"] = Field(
        "bfloat16", description="number type in which student and baselines are served"
    )
    no_teacher_alternatives: bool = Field(
        True, description="also train the student on the labelled rows alone, and TF-IDF with logistic regression"
    )
    engine: Engine = execution(Engine(mode="eager"), "how the engine runs, for all models alike")


class Rule(FrozenModel):
    """A bound on one number of the report, as `comparison.quality_retained >= 0.92`."""

    metric: str = Field(description="dotted path into report.json")
    op: Literal[">=", "<=", ">", "<"] = Field(">=")
    bound: float


class Gate(FrozenModel):
    """The rules a student must pass; the report says which it did."""

    rules: tuple[Rule, ...] = ()
