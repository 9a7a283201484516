"""The plan: what a run will ask, take, cost and keep, as far as a probe can tell."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from stillhouse.costs.forecast import CONFIDENCE, Range, sum_ranges
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import HOUR_S
from stillhouse.planning.judge_forecast import Scored, scoring_part
from stillhouse.planning.kept_forecast import survivors
from stillhouse.planning.probe_result import Probed
from stillhouse.planning.snapshot import take_snapshot
from stillhouse.planning.workload import PlannedPart, planned_parts
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS
from stillhouse.recipe.teacher import Teacher

Verdict = Literal["suffices", "may be passed", "will be passed", "not known"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
    teachers: tuple[str, ...]  # in the order in which they are asked
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
    probes: Sequence[Probed], scored: Scored | None, recipe: Recipe, labels: Sequence[str], balance: Path, split: Path
) -> Plan:
    """Return the plan.

    Args:
        probes: in the order of the teachers.
        scored: what a judge has said, where its scores decide what the student learns.
        recipe: what is planned.
        labels: those that an answer may be.
        balance: folder of the artifact, as `split`.
        split: the rows put aside.
    """
    known = [one.known for one in probes]
    heard = take_snapshot(known, balance, split, recipe, labels)
    parts = [
        part
        for place, (probed, to) in enumerate(zip(probes, heard.reach, strict=True))
        for part in planned_parts(probed, to, recipe, place)
    ]
    if scored and recipe.judge:
        parts.append(scoring_part(scored, heard, recipe.judge, recipe))
    asked = [*known, *([scored.known] if scored else [])]
    summaries = [*(one.summary for one in probes), *([scored.summary] if scored else [])]
    probed = sum(map(GenerationSummary.of, summaries), GenerationSummary())
    return Plan(
        recipe=recipe.name,
        skill=recipe.skill.kind,
        teachers=tuple(teacher.model for teacher in recipe.teachers),
        probe={
            "prompts": sum(len(one.probed_prompts()) for one in asked),
            **probed.model_dump(exclude={"requests", "from_store", "usage", "redacted"}),
        },
        parts=tuple(parts),
        requests=sum(part.missing for part in parts),
        tokens=sum_ranges(part.remaining.tokens for part in parts),
        usd=sum_ranges(part.remaining.usd for part in parts),
        seconds=sum_ranges(part.remaining.seconds for part in parts),
        survivors=Survivors.model_validate(survivors(heard, scored, recipe, labels)),
        budget=tuple(_limits(parts, recipe)),
        notes=tuple(_notes(probes, scored, recipe)),
    )


def _limits(parts: Sequence[PlannedPart], recipe: Recipe) -> list[Limit]:
    hours = sum_ranges(
        part.remaining.seconds.plus(part.bought.seconds or 0.0).times(1 / HOUR_S) if part.remaining.seconds else None
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


def _notes(probes: Sequence[Probed], scored: Scored | None, recipe: Recipe) -> list[str]:
    teachers, judge = recipe.teachers, recipe.judge
    took: list[tuple[Teacher | Judge, Mapping[str, Any]]] = [
        (teacher, one.summary) for teacher, one in zip(teachers, probes, strict=True)
    ]
    if scored and judge:
        took.append((judge, scored.summary))
    endpoints = [asked.endpoint for asked, _ in took if asked.endpoint]
    starts = [summary["engine_start_seconds"] for asked, summary in took if not asked.endpoint]
    lengths = [
        *(["tokens, which are known of every prompt"] if starts else []),
        *(["bytes"] if endpoints else []),
    ]
    notes = [
        f"Ranges are {CONFIDENCE:.0%} prediction intervals of least squares on the prompts' lengths in "
        f"{'; over an API in '.join(lengths)}; for kept answers Wilson's.",
        "Answers of the probe are stored: a run asks only what is still to be asked.",
    ]
    if recipe.routing.kind in BY_ANSWERS:
        notes.append(
            f"Who is asked after {teachers[0].called} is known of the answers there are; for the others the same share "
            "is expected, with Wilson's interval, and a part's requests are those expected."
        )
    if endpoints:
        notes.append("Time is the endpoint's at the probe's latency, within the recipe's limits; tries that fail add.")
    if starts:
        notes.append(
            f"Time is at the probe's pace, its low end that of a fuller engine; the engine's start "
            f"({sum(starts):.0f} s in the probe) comes once on top."
        )
    if scored:
        notes.append("What the judge is asked about answers to come is foretold by the lengths of their prompts.")
    if judge and judge.against:
        notes.append("What the judge is asked about test answers is not forecast: the student writes half of them.")
    if any(endpoint.execution == "batch" for endpoint in endpoints):
        notes.append("The probe asks by single requests, at full price; the time of batches is not forecast.")
    notes += [
        f"Time is that of one engine: {teacher.replicas} replicas on a cluster share it."
        for teacher in teachers
        if teacher.replicas > 1
    ]
    notes.append("Training and the measuring of models here are not forecast. Near-duplicate answers grow with rows.")
    return notes
