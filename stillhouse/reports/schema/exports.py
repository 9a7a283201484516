"""The exports of report.json: the student in other formats, each measured in the engine that serves it."""

from typing import Literal

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, Number
from stillhouse.reports.schema.models import Estimate, Gain, Latency


class ExportResult(Block):
    """One export, and what it loses of the student that it was made from."""

    format: str = Field(description="as the recipe has it")
    precision: str = Field(description="of the weights")
    kind: Literal["causal_lm", "encoder"] = Field(description="of the student")
    student: str = Field(description="the entry of `models` that was exported")
    verdict: Literal["passed", "refused"] = Field(description="whether it loses no more than `gate.exports` allows")
    reasons: tuple[str, ...] = Field((), description="why it is refused")
    engine: str | None = Field(None, description="what served it; null: it was not made")
    tools: dict[str, str] = Field({}, description="packages that made it, with their versions")
    size_bytes: Count = Field(None, description="of all its files")
    weight_bytes: Count = Field(None, description="of its files with weights")
    agreement: Estimate | None = Field(None, description="share of the test rows with the same answer as the student's")
    quality: dict[str, Estimate] = Field({}, description="each metric, by its name")
    gain_over_student: Gain | None = Field(None, description="of the first metric, paired; below 0: it lost")
    latency_ms: Latency | None = Field(None, description="of single requests")
    requests_per_second: Number = Field(None, description="all test rows, one after the other")
    tokens_per_second: Number = Field(None, description="completion tokens; null: labels are scored, not written")
    peak_memory_bytes: Count = Field(None, description="of the engine's own process while it answers")
    fingerprint: str | None = Field(None, description="of its artifact; null: it was not made")
