"""The cost of each paid part of a distillation: what this run paid, and what its artifacts cost in all.

An amount that no stage recorded is not known; it is never guessed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import ResolvedPrice, generation_price, hourly, resolve_price
from stillhouse.costs.usage import BudgetUsage, Usage
from stillhouse.recipe.recipe import Recipe

_TRAINED = {"train": "training", "train labelled-only": "training: labelled rows alone"}


class Built(Protocol):
    """A finished stage, as far as the ledger reads it."""

    seconds: float
    cached: bool
    summary: dict[str, Any]


class PaidPart(BaseModel):
    """One paid part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    stage: str
    from_store: int | None  # completions that this run found in the store
    run: Usage  # of this run
    life: Usage  # in all, whichever runs paid
    price: ResolvedPrice

    @property
    def run_usd(self) -> float | None:
        """What this run paid."""
        return _usd(self.run, self.price)

    @property
    def life_usd(self) -> float | None:
        """What it cost in all, at the present price."""
        return _usd(self.life, self.price)


def ledger_lines(results: Mapping[str, Built], recipe: Recipe) -> list[PaidPart]:
    """Return a line for each paid part among the finished stages, by their labels."""
    lines = _request_lines(results, recipe)
    training = hourly(recipe.costs.training_usd_per_hour)
    lines += [_time_line(stage, what, results[stage], training) for stage, what in _TRAINED.items() if stage in results]
    if "evaluate" in results:
        evaluation = hourly(recipe.costs.evaluation_usd_per_hour)
        lines.append(_time_line("evaluate", "evaluation", results["evaluate"], evaluation))
    return lines


def usage_before(results: Mapping[str, Built], recipe: Recipe) -> BudgetUsage:
    """Return the part of the shared budget that all generations so far have used."""
    lines = _request_lines(results, recipe)
    return BudgetUsage(
        tokens=sum((line.life.prompt_tokens or 0) + (line.life.completion_tokens or 0) for line in lines),
        seconds=math.fsum(line.life.seconds or 0.0 for line in lines),
        usd=math.fsum(line.life_usd or 0.0 for line in lines),
    )


def total(costs: Iterable[float | None]) -> float | None:
    """Return the sum, or None if a part of it is not known."""
    known = list(costs)
    return None if None in known else math.fsum(cost for cost in known if cost is not None)


def break_even(
    cost_usd: float | None, teacher_usd_per_request: float | None, student_usd_per_request: float | None
) -> tuple[int | None, str]:
    """Return after how many requests to the student the distillation has paid for itself, or None; and the reason."""
    if cost_usd is None:
        return None, "what the distillation cost is not known in full"
    if teacher_usd_per_request is None or student_usd_per_request is None:
        missing = "teacher" if teacher_usd_per_request is None else "student"
        return None, f"what a request to the {missing} costs is not known"
    saved = teacher_usd_per_request - student_usd_per_request
    if saved <= 0:
        return None, "never: a request to the student costs no less than one to the teacher"
    return math.ceil(cost_usd / saved), f"each request to the student saves ${saved:.3g}"


def _request_lines(results: Mapping[str, Built], recipe: Recipe) -> list[PaidPart]:
    """Return a line for each finished stage that sent requests to a teacher or a judge."""
    costs, judge = recipe.costs, recipe.judge
    priced = [
        (stage, f"{one.called if recipe.has_several else 'teacher'}: lessons", generation_price(one, costs))
        for stage, one in recipe.generations.items()
    ]
    priced.append(("evaluate_teacher", "teacher: test rows", resolve_price(recipe.teacher, costs)))
    if judge:
        priced += [("judge", "judge: scores", generation_price(judge, costs))]
        priced += [("judge_pairs", "judge: pairs", generation_price(judge, costs))]
    return [_request_line(stage, what, results[stage], price) for stage, what, price in priced if stage in results]


def _request_line(stage: str, what: str, built: Built, price: ResolvedPrice) -> PaidPart:
    summary = GenerationSummary.of(built.summary)
    run = Usage(
        requests=summary.generated,
        prompt_tokens=summary.prompt_tokens,
        completion_tokens=summary.completion_tokens,
        seconds=machine_seconds(summary, built.summary.get("replicas", ())),
    )
    return PaidPart(
        what=what,
        stage=stage,
        from_store=summary.requests if built.cached else summary.from_store,
        run=Usage() if built.cached else run,
        life=_life(summary, run),
        price=price,
    )


def _life(summary: GenerationSummary, run: Usage) -> Usage:
    """Return what all completions took; for records without it, known only if one run generated them all."""
    if summary.usage is None:
        unknown = Usage(requests=summary.requests, prompt_tokens=None, completion_tokens=None, seconds=None)
        return unknown if summary.from_store else run
    if not summary.from_store:
        return summary.usage.model_copy(update={"seconds": run.seconds})
    under_way = summary.usage.seconds or 0.0
    return summary.usage.model_copy(update={"seconds": round(under_way + summary.engine_start_seconds, 3)})


def machine_seconds(summary: GenerationSummary, replicas: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds of machine time of a generation: of all replicas, engine starts included."""
    parts = [GenerationSummary.of(one) for one in replicas] or [summary]
    return round(sum(one.seconds + one.engine_start_seconds for one in parts), 3)


def _time_line(stage: str, what: str, built: Built, price: ResolvedPrice) -> PaidPart:
    """Return the line of a stage whose only cost is its machine's time."""
    life = Usage(requests=None, prompt_tokens=None, completion_tokens=None, seconds=round(built.seconds, 3))
    return PaidPart(
        what=what, stage=stage, from_store=None, run=Usage() if built.cached else life, life=life, price=price
    )


def _usd(usage: Usage, price: ResolvedPrice) -> float | None:
    # no usage costs nothing, even at an unknown price
    return 0.0 if usage == Usage() else price.usd(usage.prompt_tokens, usage.completion_tokens, usage.seconds)
