"""The cost of each paid part of a distillation: what this run paid, and what its artifacts cost in all.

An amount that no stage recorded is not known; it is never guessed.
"""

import math
from collections.abc import Iterable
from enum import StrEnum

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.config import StrictModel
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import ResolvedPrice, hourly
from stillhouse.costs.usage import BudgetUsage, Usage


class Expense(StrEnum):
    """What is paid for, in the order of the report."""

    GENERATION = "prompts"
    TEST_ROWS = "test rows"
    JUDGE_SCORES = "scores"
    JUDGE_PAIRS = "pairs"
    TRAINING = "training"
    TRAINING_LABELLED_ONLY = "training: labelled rows alone"
    EVALUATION = "evaluation"


class PaidPart(StrictModel):
    """One paid part."""

    expense: Expense
    what: str
    stage: str  # its label in the run
    from_store: int | None  # completions that this run found in the store
    run: Usage
    life: Usage
    price: ResolvedPrice

    @property
    def run_usd(self) -> float | None:
        """What this run paid."""
        return _usd(self.run, self.price)

    @property
    def life_usd(self) -> float | None:
        """What it cost in all, at the present price."""
        return _usd(self.life, self.price)


def completions_line(expense: Expense, what: str, built: Built[GenerationSummary], price: ResolvedPrice) -> PaidPart:
    """Return the line of a stage that requested completions."""
    summary = built.summary
    run = Usage(
        requests=summary.generated,
        prompt_tokens=summary.prompt_tokens,
        completion_tokens=summary.completion_tokens,
        cached_tokens=summary.cached_tokens,
        seconds=machine_seconds(summary),
    )
    return PaidPart(
        expense=expense,
        what=what,
        stage=built.label,
        from_store=summary.requests if built.is_cached else summary.from_store,
        run=Usage() if built.is_cached else run,
        life=_life(summary, run),
        price=price,
    )


def machine_line(expense: Expense, built: Built[StageSummary], usd_per_hour: float | None) -> PaidPart:
    """Return the line of a stage that is paid by its machine's time alone."""
    no_tokens = {"requests": None, "prompt_tokens": None, "completion_tokens": None, "cached_tokens": None}
    life = Usage(**no_tokens, seconds=round(built.seconds, 3))
    return PaidPart(
        expense=expense,
        what=expense.value,
        stage=built.label,
        from_store=None,
        run=Usage() if built.is_cached else life,
        life=life,
        price=hourly(usd_per_hour),
    )


def in_report_order(lines: Iterable[PaidPart]) -> list[PaidPart]:
    """Return the lines as the report lists them, whatever the order in which the stages ran."""
    order = list(Expense)
    return sorted(lines, key=lambda line: order.index(line.expense))


def budget_usage(lines: Iterable[PaidPart]) -> BudgetUsage:
    """Return what all completions requested so far took of the budget they share."""
    requested = [line for line in lines if line.from_store is not None]
    return BudgetUsage(
        tokens=sum(line.life.tokens for line in requested),
        seconds=math.fsum(line.life.seconds or 0.0 for line in requested),
        usd=math.fsum(line.life_usd or 0.0 for line in requested),
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


def _life(summary: GenerationSummary, run: Usage) -> Usage:
    """Return what all completions took; for records without it, known only if one run generated them all."""
    if summary.usage is None:
        unknown = Usage(requests=summary.requests, prompt_tokens=None, completion_tokens=None, seconds=None)
        return unknown if summary.from_store else run
    if not summary.from_store:
        return summary.usage.model_copy(update={"seconds": run.seconds})
    under_way = summary.usage.seconds or 0.0
    return summary.usage.model_copy(update={"seconds": round(under_way + summary.engine_start_seconds, 3)})


def machine_seconds(summary: GenerationSummary) -> float:
    """Return the seconds that machines were at work for a generation, engine starts included, over all replicas."""
    shares = [GenerationSummary.model_validate(share) for share in summary.replicas or ()] or [summary]
    return round(sum(share.seconds + share.engine_start_seconds for share in shares), 3)


def _usd(usage: Usage, price: ResolvedPrice) -> float | None:
    # no usage costs nothing, even at an unknown price
    if usage == Usage():
        return 0.0
    return price.usd(usage.prompt_tokens, usage.completion_tokens, usage.seconds, usage.cached_tokens or 0)
