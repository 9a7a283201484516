"""Which rules a student must pass before it may be promoted."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stillhouse.config import FrozenModel, optional_identity, provenance
from stillhouse.recipe.evaluation import MetricName
from stillhouse.recipe.export import ExportGate

OpponentName = Literal["teacher", "champion", "base", "strongest_alternative"]
# of a rule's fields, those that say what kind it is
KINDS = ("metric", "not_worse_than", "better_than", "at_most", "contamination_free", "min_test_rows")

_OP: Literal[">="] = ">="


class BetterThan(FrozenModel):
    """The student is better than another model on the same test rows, shown by a paired one-sided test."""

    model: OpponentName = Field(
        description="teacher; champion: the version in use of this name, and without one the rule holds; base: the "
        "better of the baselines; strongest_alternative: the best without a teacher"
    )
    metric: MetricName | None = Field(None, description="one of `evaluation.metrics`; null takes the first")


class NotWorseThan(BetterThan):
    """The student is worse than another model by less than a margin, shown by a paired one-sided test."""

    margin: float = Field(
        gt=0.0, lt=1.0, description="what may be lost of the metric in exchange for the rest: 0.02 is two points"
    )


class Ceilings(FrozenModel):
    """What the student may take at most. An absent field asks for nothing."""

    latency_p50_ms: float | None = Field(None, gt=0, description="median of single requests, in milliseconds")
    latency_p95_ms: float | None = Field(None, gt=0, description="95th percentile of single requests, in milliseconds")
    weights_mb: float | None = Field(None, gt=0, description="loaded weights, in millions of bytes")
    memory_mb: float | None = Field(None, gt=0, description="peak memory of the engine, in millions of bytes")
    cost_usd_per_1k_requests: float | None = Field(None, gt=0, description="of requests like the test rows")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError(f"at_most names no ceiling; set one of {', '.join(type(self).model_fields)}")
        return self


class Rule(FrozenModel):
    """One thing that a student must show; a rule is of exactly one kind.

    A bound on one number of the report: `metric`, `op` and `bound`, as `comparison.quality_retained_low >= 0.92`.
    """

    metric: str | None = Field(
        None,
        description="dotted path of a number in report.json. The low end of an interval decides against the bound, and "
        "is undecidable if the other end lies beyond it; the value itself passes or is refused",
    )
    op: Literal[">=", "<=", ">", "<"] = Field(_OP)
    bound: float | None = Field(None, description="of `metric`")
    not_worse_than: NotWorseThan | None = optional_identity(None, "another model, and the margin")
    better_than: BetterThan | None = optional_identity(None, "another model")
    at_most: Ceilings | None = optional_identity(None, "ceilings on what the student takes")
    contamination_free: Literal[True] | None = optional_identity(
        None, "true: no test row is left that repeats a training row, and both ways of looking for near ones are on"
    )
    min_test_rows: int | None = optional_identity(None, "test rows that there are at least", ge=1)

    @model_validator(mode="before")
    @classmethod
    def _is_of_one_kind(cls, value: Any) -> Any:
        if isinstance(value, dict):
            named = [kind for kind in KINDS if value.get(kind) is not None]
            if len(named) != 1:
                raise ValueError(f"a rule is of one kind and has {named or 'none'}; name one of {', '.join(KINDS)}")
            # a recipe that was written by a run has every default
            if "metric" not in named and (value.get("bound") is not None or value.get("op", _OP) != _OP):
                raise ValueError(f"op and bound belong to metric; a rule {named[0]} has its own fields")
        return value

    @model_validator(mode="after")
    def _has_its_bound(self) -> Self:
        if self.metric is not None and self.bound is None:
            raise ValueError(f"bound: missing; {self.metric} {self.op} needs a number")
        return self


class Gate(FrozenModel):
    """The rules that a student must pass. The report says which it passed."""

    rules: tuple[Rule, ...] = ()
    approval: Literal["none", "manual"] = provenance(
        "none",
        "who has the last word after a passed gate. none: the student becomes champion. manual: the run waits for "
        "people, who answer a form on its page in Prefect, and its process ends until then",
    )
    exports: ExportGate = optional_identity(ExportGate(), "what an export may lose of its student")
