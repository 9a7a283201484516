"""What each paid part of a distillation took and cost: in this run, and for the artifacts it used, whoever built them.

Separate because it is arithmetic over what the stages recorded, and must say "not known" rather than guess.
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
    """What a run knows of a finished stage."""

    seconds: float
    cached: bool
    summary: dict[str, Any]


class Line(BaseModel):
    """One paid part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    stage: str
    from_store: int | None  # answers found instead of asked, in this run
    run: Usage
    life: Usage
    tariff: ResolvedPrice

    @property
    def run_usd(self) -> float | None:
        """What this run paid."""
        return _usd(self.run, self.tariff)

    @property
    def life_usd(self) -> float | None:
        """What it cost in all, at today's price."""
        return _usd(self.life, self.tariff)


def ledger_lines(results: Mapping[str, Built], recipe: Recipe) -> list[Line]:
    """Return a line for each paid part among the finished stages, by their labels."""
    lines = _answers(results, recipe)
    training = hourly(recipe.costs.training_usd_per_hour)
    lines += [_worked(stage, what, results[stage], training) for stage, what in _TRAINED.items() if stage in results]
    if "evaluate" in results:
        measuring = hourly(recipe.costs.evaluation_usd_per_hour)
        lines.append(_worked("evaluate", "evaluation", results["evaluate"], measuring))
    return lines


def usage_before(results: Mapping[str, Built], recipe: Recipe) -> BudgetUsage:
    """Return what all answers asked for so far took of the budget they share."""
    lines = _answers(results, recipe)
    return BudgetUsage(
        tokens=sum((line.life.prompt_tokens or 0) + (line.life.completion_tokens or 0) for line in lines),
        seconds=math.fsum(line.life.seconds or 0.0 for line in lines),
        usd=math.fsum(line.life_usd or 0.0 for line in lines),
    )


def total(costs: Iterable[float | None]) -> float | None:
    """Return the sum, or None where a part of it is not known."""
    known = list(costs)
    return None if None in known else math.fsum(cost for cost in known if cost is not None)


def break_even(
    cost_usd: float | None, teacher_usd_per_request: float | None, student_usd_per_request: float | None
) -> tuple[int | None, str]:
    """Return after how many requests to the student it has paid for itself, or None; and why, in words."""
    if cost_usd is None:
        return None, "what the distillation cost is not known in full"
    if teacher_usd_per_request is None or student_usd_per_request is None:
        missing = "teacher" if teacher_usd_per_request is None else "student"
        return None, f"what a request to the {missing} costs is not known"
    saved = teacher_usd_per_request - student_usd_per_request
    if saved <= 0:
        return None, "never: a request to the student costs no less than one to the teacher"
    return math.ceil(cost_usd / saved), f"each request to the student saves ${saved:.3g}"


def _answers(results: Mapping[str, Built], recipe: Recipe) -> list[Line]:
    """Return a line for each stage that asked a teacher or a judge."""
    costs, judge = recipe.costs, recipe.judge
    asked = [
        (stage, f"{one.called if recipe.has_several else 'teacher'}: lessons", generation_price(one, costs))
        for stage, one in recipe.generations.items()
    ]
    asked.append(("evaluate_teacher", "teacher: test rows", resolve_price(recipe.teacher, costs)))
    if judge:
        asked += [("judge", "judge: scores", generation_price(judge, costs))]
        asked += [("judge_pairs", "judge: pairs", generation_price(judge, costs))]
    return [_asked(stage, what, results[stage], tariff) for stage, what, tariff in asked if stage in results]


def _asked(stage: str, what: str, built: Built, tariff: ResolvedPrice) -> Line:
    summary = GenerationSummary.of(built.summary)
    run = Usage(
        requests=summary.generated,
        prompt_tokens=summary.prompt_tokens,
        completion_tokens=summary.completion_tokens,
        seconds=machine_seconds(summary, built.summary.get("replicas", ())),
    )
    return Line(
        what=what,
        stage=stage,
        from_store=summary.requests if built.cached else summary.from_store,
        run=Usage() if built.cached else run,
        life=_life(summary, run),
        tariff=tariff,
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
    """Return the seconds that machines were at work for a generation, engine starts included, over all replicas."""
    parts = [GenerationSummary.of(one) for one in replicas] or [summary]
    return round(sum(one.seconds + one.engine_start_seconds for one in parts), 3)


def _worked(stage: str, what: str, built: Built, tariff: ResolvedPrice) -> Line:
    """Return the line of a stage that is paid by its machine's time alone."""
    life = Usage(requests=None, prompt_tokens=None, completion_tokens=None, seconds=round(built.seconds, 3))
    return Line(
        what=what, stage=stage, from_store=None, run=Usage() if built.cached else life, life=life, tariff=tariff
    )


def _usd(spent: Usage, tariff: ResolvedPrice) -> float | None:
    # what took nothing costs nothing, whatever the price
    return 0.0 if spent == Usage() else tariff.usd(spent.prompt_tokens, spent.completion_tokens, spent.seconds)
