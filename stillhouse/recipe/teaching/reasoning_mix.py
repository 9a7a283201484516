"""How much of the teacher's reasoning the training examples show: long, short and none, each in its share."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel


class ReasoningMix(FrozenModel):
    """The section `training.reasoning_mix`, for `training.reasoning: mix`. Every field is identity.

    A row's share is drawn by a hash of its id: the same rows in every run, and in a data set that has grown.
    Long and short in one set: arXiv:2502.12143, whose share of long ones is the default.
    """

    long: float = Field(
        0.2, ge=0.0, le=1.0, description="share of the rows that teach the longest reasoning that came to the answer"
    )
    short: float = Field(
        0.8,
        ge=0.0,
        le=1.0,
        description="share of the rows that teach the shortest of several samples that came to the answer; rows of "
        "neither share teach the answer alone",
    )
    place: Literal["block", "text"] = Field(
        "block",
        description="where reasoning stands. block: before the answer, in the place that the student's chat template "
        "has for it; text: in the answer's own text, as mathematics shows its steps (skills that do), and blocks of "
        "reasoning are left out",
    )
    max_tokens: int | None = Field(
        None,
        ge=1,
        description="most tokens of a completion, reasoning and answer, whose reasoning is taught, as the teacher "
        "counts them (of recorded reasoning a third of its UTF-8 bytes); null: any number",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="of the draw")

    @model_validator(mode="after")
    def _leaves_the_answer_alone_a_share(self) -> Self:
        if self.long + self.short > 1.0 + 1e-9:
            raise ValueError(
                f"long: {self.long:g} and short: {self.short:g} are {self.long + self.short:g} together, and are "
                "shares of all rows: lower one, to 1 or less together"
            )
        return self
