"""In how many rounds a teacher is asked, about which prompts next, and when a round was not worth its cost."""

from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel, execution


class Rounds(FrozenModel):
    """Ask about some of the training prompts first, then about those that teach a student most.

    Validation prompts are all asked in the first round: each round is measured on them. The test rows are read after
    the last one.
    """

    count: int = Field(3, ge=2, le=20, description="most rounds")
    first: float = Field(
        0.25, gt=0.0, lt=1.0, description="share of the training prompts in the first round, drawn at random"
    )
    prompts_per_round: int | None = Field(
        None, ge=1, description="prompts in each later round; null: what the first leaves, in equal parts"
    )
    choose: Literal["unsure", "disagreement", "judged_wrong", "random"] = Field(
        "unsure",
        description="which prompts are next. unsure: those of whose answer the student is least sure; disagreement: "
        "those on which the student and logistic regression on TF-IDF, taught the same, differ most; judged_wrong: "
        "those whose answer by the student `judge` scores lowest; random: any, as a bar for the others",
    )
    student: Literal["encoder", "main"] | None = Field(
        None,
        description="who is taught in each round, to choose and to measure by. encoder: logistic regression on the "
        "vectors of `evaluation.encoder`, in seconds; main: the recipe's first student, trained from its base. null: "
        "encoder for skills with labels, else main",
    )
    unsure_by: Literal["margin", "entropy"] = Field(
        "margin",
        description="of a student that chooses among labels. margin: the two most probable are near; entropy: many are "
        "probable. Of free text it is the mean log-probability of the answer, a byte",
    )
    pool: int = Field(
        5000, ge=1, description="prompts not asked yet that the student answers in each round, drawn at random"
    )
    max_similarity: float = Field(
        0.8,
        gt=0.0,
        le=1.0,
        description="cosine of the TF-IDF of two prompts from which on only one of them is chosen in a round, unless "
        "too few are left; 1 takes both",
    )
    samples_where_failed: int = Field(
        0,
        ge=0,
        le=64,
        description="answers that the teacher is asked for, in the next round, to each prompt of which the filters "
        "kept none; on top of the round's prompts. 0: such a prompt is given up",
    )
    failed_temperature: float = Field(0.7, gt=0.0, le=2.0, description="temperature of these answers")
    min_gain: float | None = Field(
        0.0,
        ge=0.0,
        description="least that a round must bring, in points of the first metric on validation rows by `gain_per`; "
        "after one that brings no more than this, no other begins. null: all rounds are asked",
    )
    gain_per: Literal["thousand_requests", "usd"] = Field(
        "thousand_requests", description="what `min_gain` is counted by: a thousand requests, or a US dollar"
    )
    gain_by: Literal["estimate", "low", "high"] = Field(
        "estimate",
        description="number of a round's gain that is held against `min_gain`: the estimate, or an end of its paired "
        "interval. low goes on only for a sure gain, high stops only after a sure waste",
    )
    share_of_budget: float = execution(
        0.8,
        "most of `budget` that rounds may use; the rest is for answers to test rows and for the judge's comparison",
        gt=0.0,
        le=1.0,
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of what is drawn at random")

    @property
    def num_later(self) -> int:
        """Rounds after the first."""
        return self.count - 1
