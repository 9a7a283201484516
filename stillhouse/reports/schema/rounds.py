"""The rounds in which a teacher was asked: a block of report.json."""

from typing import Literal

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count, Number


class RoundGain(Block):
    """What a round brought, of the recipe's first metric on validation rows."""

    value: float = Field(description="the metric less that of the round before, on the same rows")
    low: Number = Field(description="lower end of the paired interval")
    high: Number = Field(description="upper end of it")


class AskedRound(Block):
    """One round."""

    number: int = Field(ge=1, description="from 1")
    prompts: int = Field(ge=0, description="training prompts asked in it; the first asks all validation prompts too")
    again: int = Field(0, ge=0, description="answers to prompts of earlier rounds of which no answer was kept")
    examples: int = Field(ge=0, description="training examples of all rounds so far")
    requests: Count = Field(description="answers that the round took, whichever run paid; a judge's scores too")
    tokens: Count = Field(description="of these, prompts and completions")
    cost_usd: Number = Field(None, description="at today's price; null: not known")
    quality: float = Field(description="the recipe's first metric of the round's student on validation rows")
    quality_low: Number = Field(None, description="lower end of its interval")
    quality_high: Number = Field(None, description="upper end of its interval")
    gain: RoundGain | None = Field(None, description="null in the first round")
    points_per_thousand_requests: Number = Field(None, description="gain in points by a thousand requests")
    points_per_usd: Number = Field(None, description="gain in points by a US dollar; null: no price, or nothing paid")
    left: int = Field(ge=0, description="training prompts not asked by then")
    cut_by_budget: bool = Field(False, description="whether the budget ended it before all was answered")


class AskedRounds(Block):
    """All rounds. Test rows had no part in them."""

    choose: str = Field(description="the recipe's `rounds.choose`")
    student: Literal["encoder", "main"] = Field(description="who was taught in each round")
    metric: str = Field(description="the recipe's first metric")
    rows: int = Field(ge=1, description="validation rows it is measured on")
    by_references: bool = Field(description="false: on some rows right is what the teacher answered")
    confidence: float = Field(description="level of the intervals")
    rounds: tuple[AskedRound, ...] = Field(description="in order")
    stopped: str = Field(description="why no other round began")
