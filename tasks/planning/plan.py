"""The plan: what a run will ask, take, cost and keep, as far as a probe can tell."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tasks.costs.forecast import CONFIDENCE, Range, together
from tasks.costs.spending import Spent
from tasks.costs.tariff import HOUR_S, Tariff, lessons_tariff, tariff_of
from tasks.planning.ahead import Ahead, Sample, ahead, sample_of
from tasks.planning.duration import endpoint_seconds, engine_seconds
from tasks.planning.known import Known, Part
from tasks.planning.survivors import survivors
from tasks.recipe.recipe import Recipe
from tasks.teachers.probe import TEST_ROWS

Verdict = Literal["suffices", "may be passed", "will be passed", "not known"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedPart(_Frozen):
    """One thing the teacher is asked for."""

    what: str
    requests: int
    stored: int
    missing: int
    bought: Spent  # what the stored answers took
    ahead: Ahead
    tokens: Range | None  # in all, stored answers included
    usd: Range | None
    price: str


class Limit(_Frozen):
    """One limit of the budget against what the answers will have taken in all."""

    name: str
    limit: float
    forecast: Range | None
    verdict: Verdict


class Survivors(_Frozen):
    """What the filters will keep of the lessons."""

    answers: int
    kept: Range | None
    judged: int
    dropped: dict[str, int]


class Plan(_Frozen):
    """All that a plan says; amounts are null where they are not known."""

    schema_version: Literal[1] = 1
    recipe: str
    skill: str
    teacher: str
    probe: dict[str, float | int]
    parts: tuple[PlannedPart, ...]
    requests: int  # still to be sent
    tokens: Range | None
    usd: Range | None
    seconds: Range | None
    survivors: Survivors
    budget: tuple[Limit, ...]
    notes: tuple[str, ...]


def make_plan(
    known: Known, probe: Mapping[str, Any], recipe: Recipe, labels: Sequence[str], balance: Path, split: Path
) -> Plan:
    """Return the plan; `probe` is the summary of the probe stage, `balance` and `split` folders of artifacts."""
    sample = sample_of(known)
    parts = tuple(_part(part, known, sample, probe, recipe, _tariff(part, recipe)) for part in known.parts)
    return Plan(
        recipe=recipe.name,
        skill=recipe.skill.kind,
        teacher=recipe.teacher.model,
        probe={
            "prompts": len(known.probed_prompts()),
            **{name: probe[name] for name in ("generated", "prompt_tokens", "completion_tokens")},
            **{name: probe[name] for name in ("seconds", "engine_start_seconds")},
        },
        parts=parts,
        requests=sum(part.missing for part in parts),
        tokens=together(part.ahead.tokens for part in parts),
        usd=together(part.ahead.usd for part in parts),
        seconds=together(part.ahead.seconds for part in parts),
        survivors=Survivors.model_validate(survivors(known, recipe, labels, balance, split)),
        budget=tuple(_limits(parts, recipe)),
        notes=tuple(_notes(probe, recipe)),
    )


def _tariff(part: Part, recipe: Recipe) -> Tariff:
    charges = tariff_of if part.name == TEST_ROWS else lessons_tariff
    return charges(recipe.teacher, recipe.costs)


def _part(
    part: Part, known: Known, sample: Sample, probe: Mapping[str, Any], recipe: Recipe, tariff: Tariff
) -> PlannedPart:
    asked, evaluation = recipe.teacher, recipe.evaluation
    max_tokens = asked.sampling.max_tokens
    if asked.endpoint:
        timed = evaluation.warm_requests + evaluation.latency_requests if part.name == TEST_ROWS else 0
        seconds = endpoint_seconds(part, sample, asked.endpoint, max_tokens, timed)
    else:
        seconds = engine_seconds(len(part.missing), probe, asked.engine)
    coming = ahead(part, sample, tariff, max_tokens, seconds, is_exact=known.is_exact)
    bought = part.bought.total
    paid = tariff.usd(bought.prompt_tokens, bought.completion_tokens, bought.seconds)
    return PlannedPart(
        what=f"teacher: {part.name}",
        requests=len(part.sizes),
        stored=len(part.stored),
        missing=len(part.missing),
        bought=bought,
        ahead=coming,
        tokens=coming.tokens.plus(part.bought.prompt_tokens + part.bought.completion_tokens) if coming.tokens else None,
        usd=coming.usd.plus(paid) if coming.usd and paid is not None else None,
        price=tariff.source,
    )


def _limits(parts: Sequence[PlannedPart], recipe: Recipe) -> list[Limit]:
    hours = together(
        part.ahead.seconds.plus(part.bought.seconds or 0.0).times(1 / HOUR_S) if part.ahead.seconds else None
        for part in parts
    )
    forecasts = {
        "usd": together(part.usd for part in parts),
        "tokens": together(part.tokens for part in parts),
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


def _notes(probe: Mapping[str, Any], recipe: Recipe) -> list[str]:
    lengths = "bytes" if recipe.teacher.endpoint else "tokens, which are known of every prompt"
    notes = [
        f"Ranges are {CONFIDENCE:.0%} prediction intervals of least squares on the prompts' lengths in {lengths}; "
        "for kept answers Wilson's.",
        "Answers of the probe are stored: a run asks only what is still to be asked.",
    ]
    if recipe.teacher.endpoint:
        notes.append("Time is the endpoint's at the probe's latency, within the recipe's limits; tries that fail add.")
    else:
        notes.append(
            f"Time is at the probe's pace, its low end that of a fuller engine; the engine's start "
            f"({probe['engine_start_seconds']:.0f} s in the probe) comes once on top."
        )
    if recipe.judge:
        notes.append("What a judge is asked, and drops, is not forecast.")
    if recipe.teacher.endpoint and recipe.teacher.endpoint.execution == "batch":
        notes.append("The probe asks by single requests, at full price; the time of batches is not forecast.")
    if recipe.teacher.replicas > 1:
        notes.append(f"Time is that of one engine: {recipe.teacher.replicas} replicas on a cluster share it.")
    notes.append("Training and the measuring of models here are not forecast. Near-duplicate answers grow with rows.")
    return notes
