"""The parts of report.json that look closer at student and teacher: slices of the test rows, and agreement."""

from pydantic import Field

from stillhouse.reports.schema.block import Block, Count
from stillhouse.reports.schema.models import Estimate, Gain


class Slice(Block):
    """Student and teacher on a part of the test rows."""

    kind: str = Field(description="label, length, script, language, or a column of `evaluation.slices`")
    name: str = Field(description="which part")
    student: Estimate = Field(description="its quality there")
    teacher: Estimate = Field(description="its quality there")
    difference: Gain = Field(description="the student's less the teacher's; corrected for all slices together")


class Slices(Block):
    """The test rows by label, length, script and more."""

    metric: str = Field(description="the first metric that scores single rows")
    table: tuple[Slice, ...] = Field(description="slices with enough rows")
    too_small: dict[str, int] = Field(description="slices with too few rows to say anything, by kind")
    fewest_rows: int = Field(description="so many a slice needs, or rows of five groups")


class Agreement(Block):
    """How often student and teacher give the same answer to a test row."""

    same: Estimate = Field(description="share of rows with the same answer")
    both_wrong: Count = Field(description="rows that both get wrong; null: answers are not plainly right or wrong")
    both_wrong_same: Count = Field(description="of these, rows with the same wrong answer")
