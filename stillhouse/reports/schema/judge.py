"""The judge's block of report.json."""

from pydantic import Field

from stillhouse.reports.schema.block import Block, GenerationCounts, Number
from stillhouse.reports.schema.models import Estimate


class PairwiseResult(Block):
    """The judge's verdicts on the student's answers beside another model's; shares are of the test rows."""

    model: str = Field(description="the entry of `models` that was compared with")
    asked: int = Field(ge=0, description="pairs put to the judge, each in both orders; the others needed none")
    win: Estimate = Field(description="share of rows the student wins")
    tie: Estimate = Field(description="share of ties")
    loss: Estimate = Field(description="share of rows the student loses")
    win_rate: Estimate = Field(description="wins and half of the ties")
    p_value: Number = Field(ge=0.0, le=1.0, description="exact, of wins against losses")
    agreement: Number = Field(ge=0.0, le=1.0, description="share of pairs with the same verdict in both orders")
    first_position: Number = Field(
        ge=0.0, le=1.0, description="share of verdicts for the answer shown first; 0.5: even"
    )
    longer_wins: Number = Field(ge=0.0, le=1.0, description="share of decided pairs that the longer answer won")
    unreadable: int = Field(ge=0, description="verdicts that could not be read, two of each pair")


class JudgeScores(Block):
    """The judge's scores of the teacher's completions."""

    scored: int = Field(ge=0, description="completions")
    unreadable: int = Field(ge=0, description="replies that hold no score")
    scores: dict[str, int] = Field(description="completions by score, 1 to 5")
    questions: GenerationCounts = Field(description="what this run requested")


class Judge(Block):
    """The judge, its verdicts on the student and its scores of the teacher's completions."""

    name: str = Field(description="the judge's model")
    engine: str = Field(description="what served it")
    criteria: str = Field(description="by which it judges")
    against: dict[str, PairwiseResult] = Field({}, description="its verdicts, by the opponent: `teacher` or `baseline`")
    questions: GenerationCounts | None = Field(None, description="about pairs")
    scored: JudgeScores | None = Field(None, description="null: it scored no completions")
    notes: tuple[str, ...] = Field((), description="on its bias")
