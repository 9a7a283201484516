"""How models are evaluated."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from stillhouse.config import FrozenModel, execution, optional_identity, provenance
from stillhouse.recipe.encoder import Encoder
from stillhouse.recipe.engine import Engine
from stillhouse.skills.registry import METRICS

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[tuple(sorted(METRICS))]


class Evaluation(FrozenModel):
    """How quality, latency, throughput and memory are measured, in the same way for every model."""

    metrics: tuple[MetricName, ...] = Field(
        (), description="metrics of quality; models are compared by the first. Empty takes all of the skill's"
    )
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="confidence level of every interval")
    resamples: int = Field(2000, ge=100, description="bootstrap resamples")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the bootstrap and of the choice of rows for latency")
    max_tokens: int = Field(
        16,
        ge=1,
        description="most tokens of a completion; left out, free answers get the teacher's `sampling.max_tokens`. "
        "Labels always get as many as the longest takes",
    )
    latency_requests: int = Field(
        50, ge=50, description="single requests that are timed, on distinct test rows if there are enough"
    )
    warm_requests: int = Field(10, ge=10, description="warm-up requests before the timed ones")
    concurrency: int = Field(64, ge=1, description="open sequences while throughput is measured")
    time_teacher: bool = optional_identity(
        True,
        "time single requests to a teacher in an engine here, in turn with the others. false takes its answers to the "
        "test rows from the store if an earlier evaluation has them, and starts no engine for it; the report then has "
        "no latency of the teacher",
    )
    student_dtype: Literal["bfloat16", "float16", "float32"] = Field(
        "bfloat16", description="number type of the student and the baselines"
    )
    no_teacher_alternatives: bool = Field(
        True,
        description="also train a student on the labelled rows alone; for skills with labels also measure logistic "
        "regression on TF-IDF and on a sentence encoder; for free answers the answer of the most similar labelled row, "
        "and for summaries the text's own opening",
    )
    teacher: str = execution(
        "",
        "name of the teacher that the student is compared with, if there are several. Empty: all of them answer the "
        "test rows, and the student is compared with the best",
    )
    slices: tuple[str, ...] = execution(
        (),
        "columns of the test rows, such as their source, by whose values the report shows student and teacher too; "
        "columns that the recipe gives another meaning can't be named",
    )
    # kept out here, since no other model's numbers depend on it; its files are identity of two stages
    encoder: Encoder | None = execution(
        Encoder(),
        "the sentence encoder; its files are identity of `alternatives` and `label_curve` alone. null measures none",
    )
    cascade_max_cost: float = provenance(
        0.3,
        "most that a student may cost which hands unsure rows back to its teacher, as a share of the teacher's cost; "
        "the certainty below which it does is chosen on validation rows, to keep to it with 95 % certainty on others",
        gt=0.0,
        lt=1.0,
    )
    engine: Engine = execution(
        Engine(),
        "how the engine runs; the teacher's is spread over devices as its own `engine` says: tensor_parallel, "
        "pipeline_parallel, expert_parallel, gpu_memory_utilization, kv_cache_dtype and arguments are taken from there",
    )
