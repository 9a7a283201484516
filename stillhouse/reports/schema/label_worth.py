"""How many hand labels the teacher is worth: a block of report.json."""

from typing import Literal

from pydantic import Field

from stillhouse.reports.schema.block import Block, Number

Beyond = Literal["", "fewer", "more"]


class CurveValue(Block):
    """What is reached with so many labels, of the recipe's first metric."""

    labels: int = Field(ge=1, description="labelled rows learnt from")
    labels_a_class: float = Field(gt=0, description="on average")
    draws: int = Field(ge=1, description="that the value is the mean of")
    value: float = Field(description="mean over the draws")
    low: float = Field(description="lower end of the interval")
    high: float = Field(description="upper end of the interval")


class NumLabels(Block):
    """A number of labels, in the range that was measured."""

    labels: float = Field(gt=0, description="in all")
    labels_a_class: float = Field(gt=0, description="on average")
    beyond: Beyond = Field(
        "", description="`fewer`: the fewest that were measured are enough already; `more`: all labels are not enough"
    )


class Crossing(Block):
    """Where the curve reaches the quality of one model that learnt the teacher-labelled examples."""

    model: str = Field(description="its entry of `models`")
    quality: float = Field(description="the recipe's first metric on the test rows")
    value: NumLabels = Field(description="straight between the points of the curve, on a log scale")
    low: NumLabels = Field(description="lower end of the interval")
    high: NumLabels = Field(description="upper end of the interval")


class LabelWorth(Block):
    """The learning curve of the best cheap way without a teacher, and how many labels reach what the teacher gave."""

    labels: int = Field(ge=0, description="labelled rows there are, each text once")
    classes: int = Field(ge=0, description="labels that some of these rows have")
    lacking: tuple[str, ...] = Field((), description="labels of the recipe that none of these rows has")
    best: tuple[CurveValue, ...] = Field((), description="the best of the learners at each size; the last: all labels")
    learners: dict[str, tuple[CurveValue, ...]] = Field({}, description="each alone, by its entry of `models`")
    student: Crossing | None = Field(None, description="of the student")
    best_taught: Crossing | None = Field(
        None, description="of the best model that learnt the student's training examples; it may be the student"
    )
    confidence: Number = Field(None, description="level of the intervals")
    not_measured: str = Field("", description="why there is no curve")
