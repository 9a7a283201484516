"""The plan: what a run will ask, take, cost and keep, as far as a probe can tell."""

from collections.abc import Iterator, Sequence
from typing import Literal

from stillhouse.costs.forecast import CONFIDENCE, Range, sum_ranges
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import HOUR_S
from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.kept_forecast import Survivors, forecast_kept
from stillhouse.planning.remaining import Frozen
from stillhouse.planning.requests_forecast import RequestsForecast, forecast_judge_requests, forecast_teacher_requests
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS

_PROBE_USAGE = {"generated", "prompt_tokens", "completion_tokens", "seconds", "engine_start_seconds"}
Verdict = Literal["suffices", "may be passed", "will be passed", "not known"]


class Limit(Frozen):
    """One limit of the budget against what all completions will have taken."""

    name: str
    limit: float
    forecast: Range | None
    verdict: Verdict


class Plan(Frozen):
    """The whole plan; an amount is None if it is not known."""

    schema_version: Literal[1] = 1
    recipe: str
    skill: str
    teachers: tuple[str, ...]  # in the order in which they are asked
    probe: dict[str, float | int]
    parts: tuple[RequestsForecast, ...]
    requests: int  # still to be sent
    tokens: Range | None
    usd: Range | None
    seconds: Range | None
    survivors: Survivors
    budget: tuple[Limit, ...]
    notes: tuple[str, ...]


def make_plan(inputs: PlanInputs) -> Plan:
    """Return the plan."""
    recipe = inputs.recipe
    parts = [part for index in range(len(inputs.probes)) for part in forecast_teacher_requests(inputs, index)]
    probes = list(inputs.probes)
    if inputs.judge_probe:
        parts.append(forecast_judge_requests(inputs, inputs.judge_probe))
        probes.append(inputs.judge_probe)
    probed = sum((GenerationSummary.model_validate(probe.summary) for probe in probes), GenerationSummary())
    return Plan(
        recipe=recipe.name,
        skill=recipe.skill.kind,
        teachers=tuple(teacher.model for teacher in recipe.teachers),
        probe={
            "prompts": sum(len(probe.probed_prompts) for probe in probes),
            **probed.model_dump(include=_PROBE_USAGE),
        },
        parts=tuple(parts),
        requests=sum(part.missing for part in parts),
        tokens=sum_ranges(part.remaining.tokens for part in parts),
        usd=sum_ranges(part.remaining.usd for part in parts),
        seconds=sum_ranges(part.remaining.seconds for part in parts),
        survivors=forecast_kept(inputs),
        budget=tuple(_limits(parts, recipe)),
        notes=tuple(_notes(inputs)),
    )


def _limits(parts: Sequence[RequestsForecast], recipe: Recipe) -> list[Limit]:
    hours = sum_ranges(
        part.remaining.seconds.plus(part.usage.seconds or 0.0).times(1 / HOUR_S) if part.remaining.seconds else None
        for part in parts
    )
    forecasts = {
        "usd": sum_ranges(part.usd for part in parts),
        "tokens": sum_ranges(part.tokens for part in parts),
        "hours": hours,
    }
    limits = recipe.budget.model_dump(exclude_none=True)
    return [
        Limit(name=f"budget.{name}", limit=limit, forecast=forecasts[name], verdict=_verdict(forecasts[name], limit))
        for name, limit in limits.items()
    ]


def _verdict(forecast: Range | None, limit: float) -> Verdict:
    if forecast is None:
        return "not known"
    if forecast.value > limit:
        return "will be passed"
    return "suffices" if forecast.high is not None and forecast.high <= limit else "may be passed"


def _notes(inputs: PlanInputs) -> list[str]:
    """Return how the numbers were forecast, and what is left out."""
    teachers, judge = inputs.recipe.teachers, inputs.recipe.judge
    probed = [(teacher.endpoint, probe.summary) for teacher, probe in zip(teachers, inputs.probes, strict=True)]
    if judge and inputs.judge_probe:
        probed.append((judge.endpoint, inputs.judge_probe.summary))
    endpoints = [endpoint for endpoint, _ in probed if endpoint]
    start_seconds = [summary["engine_start_seconds"] for endpoint, summary in probed if not endpoint]
    lengths = ["tokens, known for every prompt"] * bool(start_seconds) + ["bytes"] * bool(endpoints)
    notes = [
        f"Ranges are {CONFIDENCE:.0%} prediction intervals of least squares on the prompts' lengths in "
        f"{'; over an API in '.join(lengths)}. Those of kept completions are Wilson's.",
        "The probe's completions are stored: a run asks only for the others.",
    ]
    if inputs.recipe.routing.kind in BY_ANSWERS:
        notes.append(
            f"Rows that reach the next teacher are known only where {teachers[0].display_name} has answered. The rest "
            "is extrapolated at the same rate (Wilson's interval)."
        )
    notes += _time_notes(endpoints, start_seconds, [teacher.replicas for teacher in teachers])
    if inputs.judge_probe:
        notes.append("Questions to the judge about completions to come are forecast by the lengths of their prompts.")
    if judge and judge.against:
        notes.append("Questions to the judge about test rows are not forecast: the student writes half of each pair.")
    return [*notes, "Training and evaluation are not forecast. The share of near-duplicates grows with the rows."]


def _time_notes(
    endpoints: Sequence[Endpoint], start_seconds: Sequence[float], num_replicas: Sequence[int]
) -> Iterator[str]:
    if endpoints:
        yield "Time over an API is at the probe's latency, within the recipe's limits. Retries add to it."
    if any(endpoint.execution == "batch" for endpoint in endpoints):
        yield "The probe sends single requests, at full price. The time of batches is not forecast."
    if start_seconds:
        yield (
            "Time of an engine is at the probe's pace, its low end that of a fuller engine. The engine's start "
            f"({sum(start_seconds):.0f} s in the probe) comes once on top."
        )
    for number in num_replicas:
        if number > 1:
            yield f"Time is that of one engine. {number} replicas on a cluster share it."
