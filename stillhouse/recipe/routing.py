"""Which of several teachers answers which prompt."""

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
