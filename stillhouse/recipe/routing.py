"""Which of several teachers answers which prompt, and what becomes of several answers to one."""

from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel

# kinds that look at what a row says of itself, before anything is asked
BY_ROW = ("source", "label")
# kinds that look at what the teachers before have answered
BY_ANSWERS = ("fallback", "first_verified")


class Routing(FrozenModel):
    """Who is asked what. Teachers are asked in the recipe's order."""

    kind: Literal["all", "source", "label", "fallback", "first_verified"] = Field(
        "all",
        description="all: every teacher is asked every prompt; source: the row's own `column` decides; label: the "
        "row's label decides; fallback: a teacher is asked what the filters would keep no answer of the teachers "
        "before it to (whether an answer agrees with a reference aside); first_verified: likewise, and where the row "
        "has a reference an answer must agree with it",
    )
    column: str = Field("source", min_length=1, description="column of the training rows, for kind source")
    teachers: dict[str, str] = Field({}, description="value -> teacher's name, for kind source and label")
    default: str = Field(
        "", description="teacher of rows without a value in `teachers`, for kind source and label; empty: the first"
    )


class Mixing(FrozenModel):
    """What is kept where several teachers answer one prompt."""

    kind: Literal["keep_all", "vote", "best"] = Field(
        "keep_all",
        description="keep_all: the kept answer of each teacher is a training row; vote: one answer, the majority's "
        "over all samples of all teachers, of equals the one first given; best: one answer, the best by `by`",
    )
    by: Literal["verifier", "judge"] = Field(
        "verifier",
        description="what best means. verifier: an answer that agrees with the row's reference, of equals (and of rows "
        "without a reference) that of the teacher named first; judge: the answer that the recipe's `judge` scores "
        "highest",
    )
