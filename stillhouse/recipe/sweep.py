"""A sweep: which fields of the recipe are tried with which values, and what the best is to keep to."""

import json
import math
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from stillhouse.config import FrozenModel

MOST_TRIALS = 1000


class Range(FrozenModel):
    """Numbers between two ends, which are tried too; whole ones if both ends and the step are written as such."""

    low: int | float = Field(description="least value")
    high: int | float = Field(description="greatest value")
    log: bool = Field(False, description="draw evenly over powers of ten, as suits learning rates")
    step: int | float | None = Field(None, gt=0, description="distance between values; null: any value, or 1")

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low: {self.low:g} must be below high: {self.high:g}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0 and no step")
        if self.step is not None and self.step > self.high - self.low:
            raise ValueError(f"step: {self.step:g} is more than high - low: lower it, or set one value in the recipe")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return all(isinstance(one, int) for one in (self.low, self.high, self.step or 1))


def _form_of(values: Any) -> str:
    return "range" if isinstance(values, dict | Range) else "list"


# told apart by their form, so that a mistake in one is not reported as one in the other too
Values = Annotated[Annotated[Range, Tag("range")] | Annotated[tuple[Any, ...], Tag("list")], Discriminator(_form_of)]


class Constraints(FrozenModel):
    """What a trial must keep to, to win. It is measured on the validation prompts, as it would be on the test rows."""

    latency_s: float | None = Field(None, gt=0.0, description="most seconds of a single request, p50")
    latency_p95_s: float | None = Field(None, gt=0.0, description="the same, p95")
    weight_bytes: int | None = Field(None, ge=1, description="most bytes of weights, as they are served")
    peak_memory_bytes: int | None = Field(None, ge=1, description="most memory while it answers")

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by what they limit."""
        found = {
            "latency_s": self.latency_s,
            "latency_p95_s": self.latency_p95_s,
            "weight_bytes": self.weight_bytes,
            "peak_memory_bytes": self.peak_memory_bytes,
        }
        return {name: value for name, value in found.items() if value is not None}


class SweepBudget(FrozenModel):
    """Limits of what all trials together may take; the preparation of the data and the winner's run are not counted.

    A budget covers all stored trials, whichever process ran them: a sweep that goes on has no second budget.
    """

    hours: float | None = Field(None, gt=0.0, description="hours of training and measuring")
    usd: float | None = Field(
        None,
        gt=0.0,
        description="US dollars: the hours by `costs.training_usd_per_hour` and `costs.evaluation_usd_per_hour`, and "
        "further requests to teachers",
    )


class Halving(FrozenModel):
    """Asynchronous successive halving over training rows: a trial learns a share of them first, and more if it is good.

    Source: L. Li et al., A System for Massively Parallel Hyperparameter Tuning (arXiv:1810.05934), algorithm 2.
    """

    first_share: float = Field(0.25, gt=0.0, lt=1.0, description="share of the training rows that every trial learns")
    factor: int = Field(
        2,
        ge=2,
        le=16,
        description="each further share is so many times the last, and the best of so many trials goes on to it",
    )
    min_rows: int = Field(50, ge=1, description="shares with fewer training rows are left out: they tell little")


class Sweep(FrozenModel):
    """Trials of the recipe with other values of its fields, on one data set; the best by validation rows wins."""

    space: dict[str, Values] = Field(
        min_length=1,
        max_length=32,
        description="field of the recipe by its path -> a range, as {low: 1.0e-5, high: 1.0e-3, log: true}, or a list "
        "of values, as `student.layers: [6, 12, 24]`; a value may be a section, as a whole `student`",
    )
    trials: int = Field(12, ge=2, le=MOST_TRIALS, description="most trials; a finished sweep goes on if it is raised")
    sampler: Literal["tpe", "random", "grid"] = Field(
        "tpe",
        description="tpe: tree-structured Parzen estimator, which learns from the trials before; random; grid: every "
        "combination of lists in turn",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the draws")
    objective: str = Field(
        "",
        description="metric of the skill on validation rows that is to be greatest; empty: accuracy for labels, else "
        "the first of `evaluation.metrics`, as the best of several students is chosen",
    )
    pruning: Halving | None = Field(None, description="end poor trials early; null: each learns all rows at once")
    constraints: Constraints = Field(Constraints(), description="what the winner must keep to")
    budget: SweepBudget = Field(SweepBudget(), description="limits of what the trials may take")
    max_validation_rows: int = Field(
        1000,
        ge=10,
        description="most validation rows that a trial answers; drawn by `evaluation.seed` if there are more",
    )

    @field_validator("space")
    @classmethod
    def _has_choices(cls, space: dict[str, Values]) -> dict[str, Values]:
        for path, values in space.items():
            if isinstance(values, tuple) and len(values) < 2:
                has = "one value" if values else "no values"
                raise ValueError(f"{path} has {has}: name two or more, or set it in the recipe itself")
            if isinstance(values, tuple) and (repeated := _repeated(values)):
                raise ValueError(f"{path} names {repeated[0]!r} more than once: name each value once")
        return space

    @model_validator(mode="after")
    def _grid_is_of_lists(self) -> Self:
        if self.sampler == "grid" and (ranges := [path for path, one in self.space.items() if isinstance(one, Range)]):
            raise ValueError(
                f"sampler: grid needs lists of values, and of {', '.join(ranges)} it has a range: write lists, or set "
                "sampler to tpe"
            )
        return self

    @model_validator(mode="after")
    def _grid_fits_trials(self) -> Self:
        if self.sampler == "grid" and self.grid_size > self.trials:
            raised = f"raise trials to {self.grid_size}" if self.grid_size <= MOST_TRIALS else "name fewer values"
            raise ValueError(
                f"sampler: grid has {self.grid_size:,} combinations, and trials is {self.trials}, so that the last "
                f"would never be tried: {raised}, or set sampler to tpe, which chooses among them"
            )
        return self

    @property
    def grid_size(self) -> int:
        """Combinations of the lists."""
        return math.prod(len(values) for values in self.space.values() if isinstance(values, tuple))

    @property
    def most_trials(self) -> int:
        """Trials that there can be: a grid has no more than its combinations."""
        return min(self.trials, self.grid_size) if self.sampler == "grid" else self.trials


def _repeated(values: tuple[Any, ...]) -> list[Any]:
    # 1 and true are equal in Python, and are not one value of a recipe
    keys = [json.dumps(value, sort_keys=True, default=str) for value in values]
    return [value for number, value in enumerate(values) if keys[number] in keys[:number]]
