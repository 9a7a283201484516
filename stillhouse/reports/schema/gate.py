"""The `gate` block of report.json: what was decided about the student, and by what."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stillhouse.reports.schema.block import Block, Count, Number

Verdict = Literal["passed", "refused", "undecidable"]


class GateTest(Block):
    """The paired test behind a rule about two models."""

    model: str = Field(description="the entry of `models` that the student is compared with")
    metric: str = Field(description="of both")
    method: str = Field(description="the test's name")
    p_value: Number = Field(ge=0.0, le=1.0, description="one-sided, of the rule not being true, by itself")
    p_corrected: Number = Field(ge=0.0, le=1.0, description="by Holm, for all rules about two models")
    level: Number = Field(description="that p_corrected must not exceed: what this look may spend")
    low: Number = Field(description="the difference is above it, at that level")
    rows: int = Field(ge=0, description="test rows")
    only_student: Count = Field(None, description="of these, rows that the student alone has right; null: scores")
    only_other: Count = Field(None, description="rows that the other model alone has right")
    num_groups: Count = Field(None, description="groups of rows that the test is over; null: over rows")
    design_effect: Number = Field(None, description="rows in groups over the rows that they are worth")
    power: Number = Field(
        None, ge=0.0, le=1.0, description="chance of passing with these rows, if both models are equally good"
    )
    rows_needed: Count = Field(None, description="rows for 80 % power; null: more than 100,000, or not known")
    smallest: Number = Field(None, description="for better_than: the true gain that these rows show with 80 % power")


class GateRule(Block):
    """One rule of the gate with the report's number for it."""

    rule: str = Field(description="as the recipe has it")
    value: Number = Field(description="the report's number; null: not measured")
    bound: Number = Field(description="the recipe's number")
    passed: bool = Field(description="whether the verdict is `passed`")
    verdict: Verdict = Field(description="undecidable: these test rows can't tell, or the number was not measured")
    reason: str = Field("", description="why, in words")
    test: GateTest | None = Field(None, description="null: the rule is about no two models")

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, value: Any) -> Any:
        return with_verdict(value)

    @model_validator(mode="after")
    def _passed_is_the_verdict(self) -> Self:
        _check_passed(self.passed, self.verdict)
        return self


class Looks(Block):
    """How often this test set was used to decide about students of the recipes that share the store."""

    test_set: str = Field(description="SHA-256 of the content of the test rows")
    look: int = Field(ge=1, description="the number of this one; a repeated run keeps its number")
    used: int = Field(ge=1, description="looks until now")
    level: float = Field(description="what this look may spend, one-sided: alpha / (look x (look + 1))")
    alpha: float = Field(description="chance of a false promotion over all looks: 1 - `evaluation.confidence`")


class Gate(Block):
    """Whether the student may be promoted."""

    passed: bool = Field(description="whether the verdict is `passed`: every rule passed")
    verdict: Verdict = Field(description="refused if a rule refuses, else undecidable if one can't be decided")
    rules: tuple[GateRule, ...] = Field(description="in the recipe's order")
    looks: Looks | None = Field(None, description="null: no rules, so the test set decided nothing")

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, value: Any) -> Any:
        return with_verdict(value)

    @model_validator(mode="after")
    def _passed_means_all(self) -> Self:
        if self.passed and not all(rule.passed for rule in self.rules):
            raise ValueError("`passed` is true although a rule failed; a gate passes only when every rule does")
        _check_passed(self.passed, self.verdict)
        return self


def with_verdict(value: Any) -> Any:
    """Return a block with its verdict; reports that were written before there were three say `passed` alone."""
    if not isinstance(value, dict) or "passed" not in value or "verdict" in value:
        return value
    return value | {"verdict": "passed" if value["passed"] else "refused"}


def verdict_of(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict of all: the worst of them; passed for none."""
    if "refused" in verdicts:
        return "refused"
    return "undecidable" if "undecidable" in verdicts else "passed"


def _check_passed(passed: bool, verdict: Verdict) -> None:
    if passed != (verdict == "passed"):
        raise ValueError(f"passed is {passed} and the verdict is {verdict}; a verdict passes if it is `passed`")
