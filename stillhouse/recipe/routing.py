"""Which of several teachers answers which prompt."""

from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel

# kinds that decide by the row, before any teacher is asked
BY_ROW = ("source", "label")
# kinds that decide by the answers of the earlier teachers
BY_ANSWERS = ("fallback", "first_verified")


class Routing(FrozenModel):
    """Which teacher is asked which prompt. Teachers are asked in the recipe's order."""

    kind: Literal["all", "source", "label", "fallback", "first_verified"] = Field(
        "all",
        description="all: every teacher is asked every prompt; source: the row's own `column` decides; label: the "
        "row's label decides; fallback: a teacher is asked only the prompts to which the filters would keep no answer "
        "of the earlier teachers (agreement with a reference does not count); first_verified: like fallback, but an "
        "answer to a row with a reference must also agree with it",
    )
    column: str = Field("source", min_length=1, description="column of the training rows, for kind source")
    teachers: dict[str, str] = Field({}, description="value -> teacher's name, for kind source and label")
    default: str = Field(
        "", description="teacher of rows without a value in `teachers`, for kind source and label; empty: the first"
    )
