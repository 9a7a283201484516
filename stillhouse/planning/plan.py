"""The plan: what a run will request, take, cost and keep, as far as a probe can tell."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from stillhouse.config import StrictModel
from stillhouse.costs.forecast import CONFIDENCE, Range, forecast_like, sum_ranges
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.price import HOUR_S
from stillhouse.filters.outcome import merge_results
from stillhouse.filters.pipeline import apply_filters
from stillhouse.judging.verdicts import read_score
from stillhouse.planning.gate_forecast import GateForecast, forecast_gate, gate_note
from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.model_memory import ModelMemory
from stillhouse.planning.most import Most, most_of_all
from stillhouse.planning.requests_forecast import RequestsForecast, forecast_requests
from stillhouse.planning.rounds import rounds_note
from stillhouse.planning.training_memory import TrainingMemory
from stillhouse.recipe.checks.teaching import unread_lines
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS
from stillhouse.students.compatibility import Compatibility
from stillhouse.students.launch import TRAIN_WORKER, launch_command
from stillhouse.teachers.probe_result import ProbeResult, RowIds

_PROBE_USAGE = {"generated", "prompt_tokens", "completion_tokens", "seconds", "engine_start_seconds"}


class Survivors(StrictModel):
    """What the filters will keep of all completions."""

    answers: int  # completions in all
    kept: Range | None
    judged: int  # stored completions that the filters judged
    dropped: dict[str, int]  # of those judged, by reason


class Limit(StrictModel):
    """One limit of the budget against what all completions will have taken."""

    name: str
    limit: float
    forecast: Range | None
    verdict: Literal["suffices", "may be passed", "will be passed", "not known"]


class Plan(StrictModel):
    """The whole plan; an amount is None if it is not known."""

    schema_version: Literal[1] = 1
    recipe: str
    skill: str
    teachers: tuple[str, ...]  # in the order of the recipe
    probe: dict[str, float | int]
    parts: tuple[RequestsForecast, ...]
    requests: int  # still to be sent
    tokens: Range | None
    usd: Range | None
    seconds: Range | None
    survivors: Survivors
    budget: tuple[Limit, ...]
    memory: tuple[ModelMemory, ...]  # of each model that an engine here serves
    training: tuple[TrainingMemory, ...] = ()  # of each student that is a language model
    compatibility: tuple[Compatibility, ...] = ()  # of each such student with each teacher
    gate: tuple[GateForecast, ...] = ()  # of each rule about two models
    most: tuple[Most, ...] = ()  # of a plan that asked no model
    notes: tuple[str, ...]


def make_plan(inputs: PlanInputs) -> Plan:
    """Return the plan."""
    recipe, parts = inputs.recipe, tuple(forecast_requests(inputs))
    probes = [*inputs.probes, *([inputs.judge_probe] if inputs.judge_probe else [])]
    notes = [*(_offline_notes(recipe) if inputs.is_offline else _notes(recipe, probes))]
    notes += filter(None, [rounds_note(recipe, inputs.splits)])
    gate = tuple(forecast_gate(recipe, *inputs.test_rows)) if inputs.test_rows else ()
    probed = sum((probe.summary for probe in probes), GenerationSummary())
    return Plan(
        recipe=recipe.name,
        skill=recipe.skill.kind,
        teachers=tuple(teacher.model for teacher in recipe.teachers),
        probe={"prompts": sum(len(probe.sample) for probe in probes), **probed.model_dump(include=_PROBE_USAGE)},
        parts=parts,
        requests=sum(part.missing for part in parts),
        tokens=sum_ranges(part.remaining.tokens for part in parts),
        usd=sum_ranges(part.remaining.usd for part in parts),
        seconds=sum_ranges(part.remaining.seconds for part in parts),
        survivors=_unjudged(inputs) if inputs.is_offline else _forecast_kept(inputs),
        budget=tuple(_limits(parts, recipe)),
        memory=inputs.memory,
        training=inputs.training,
        compatibility=inputs.compatibility,
        gate=gate,
        most=tuple(most_of_all(inputs)) if inputs.is_offline else (),
        notes=(*notes, *([gate_note()] if gate else [])),
    )


def _unjudged(inputs: PlanInputs) -> Survivors:
    """Return how many completions there will be; how many are kept is left open."""
    return Survivors(answers=_num_answers(inputs), kept=None, judged=0, dropped={})


def _num_answers(inputs: PlanInputs) -> int:
    return round(sum(probe.num_expected(*own) for probe, own in zip(inputs.probes, inputs.routed, strict=True)))


def _forecast_kept(inputs: PlanInputs) -> Survivors:
    """Return how many completions there will be, and how many are kept.

    A row is judged once it has the completions of all its teachers, and their scores if a judge chooses. An incomplete
    row is forecast from probed rows: those of the teacher whose completion it lacks first, or the scored ones.
    A prompt without a completion keeps none.
    """
    recipe, probes, lacking = inputs.recipe, inputs.probes, inputs.lacking
    wanted = RowIds().union(*(sure | waiting for sure, waiting in inputs.routed))
    repeats = {
        row_id: prompt.repeats[row_id] for probe in probes for row_id, prompt in probe.rows.items() if row_id in wanted
    }
    complete = frozenset(repeats).difference(*lacking)
    lines = {row_id: own for row_id, own in inputs.used_lines.items() if row_id in complete}
    completions = inputs.completions_of(lines)
    scores = {key: read_score(reply.text) for key, reply in inputs.judge_replies.items()}
    filters = recipe.filters.model_copy(update={"min_success_ratio": 0.0})  # however few survive
    splits = [[row for row in split if row["id"] in complete] for split in inputs.splits]
    result = merge_results(
        apply_filters(rows, completions, filters, recipe.skill, inputs.labels, recipe.mixing, scores) for rows in splits
    )
    num_kept = Counter(candidate.row["id"] for candidate in result.kept)
    # a probed row that its teacher failed keeps nothing, and so will others like it
    settled = complete.union(*(probe.probed & rows for probe, rows in zip(probes, lacking[:-1], strict=True)))
    samples = [probe.probed & settled for probe in probes]
    samples.append(complete & RowIds().union(*samples) or complete)
    expected = sum_ranges(
        forecast_like([num_kept[one] / repeats[one] for one in sorted(sample)], sum(repeats[one] for one in rows))
        for sample, rows in zip(samples, lacking, strict=True)
    )
    return Survivors(
        answers=_num_answers(inputs),
        kept=expected and expected.plus(len(result.kept)),
        judged=result.num_in,
        dropped=result.counts,
    )


def _limits(parts: Sequence[RequestsForecast], recipe: Recipe) -> list[Limit]:
    seconds = [part.remaining.seconds and part.remaining.seconds.plus(part.usage.seconds or 0.0) for part in parts]
    forecasts = {
        "usd": sum_ranges(part.usd for part in parts),
        "tokens": sum_ranges(part.tokens for part in parts),
        "hours": sum_ranges(one and one.times(1 / HOUR_S) for one in seconds),
    }
    limits = recipe.budget.model_dump(exclude_none=True)
    return [_limit(name, limit, forecasts[name]) for name, limit in limits.items()]


def _limit(name: str, limit: float, forecast: Range | None) -> Limit:
    if forecast is None:
        verdict = "not known"
    elif forecast.value > limit:
        verdict = "will be passed"
    else:
        verdict = "suffices" if forecast.high is not None and forecast.high <= limit else "may be passed"
    return Limit(name=f"budget.{name}", limit=limit, forecast=forecast, verdict=verdict)


def _offline_notes(recipe: Recipe) -> Iterator[str]:
    """Yield what a plan leaves open that asked no model."""
    yield (
        "No model was asked: tokens, cost, time and what the filters keep are known once `stillhouse plan` without "
        "--offline has sent 32 prompts."
    )
    if any(teacher.endpoint is None for teacher in recipe.teachers):
        yield "Completions stored of a model that an engine here serves were not looked up."
    if recipe.judge:
        yield "Requests to the judge are not counted."
    yield from _launches(recipe)
    yield from unread_lines(recipe)


def _notes(recipe: Recipe, probes: Sequence[ProbeResult]) -> Iterator[str]:
    """Yield how the numbers were forecast, and what is left out."""
    endpoints = [probe.model.endpoint for probe in probes if probe.model.endpoint]
    start_seconds = [probe.summary.engine_start_seconds for probe in probes if not probe.model.endpoint]
    lengths = ["tokens, known for every prompt"] * bool(start_seconds) + ["bytes"] * bool(endpoints)
    yield (
        f"Ranges are {CONFIDENCE:.0%} prediction intervals of least squares on the prompts' lengths in "
        f"{'; over an API in '.join(lengths)}. Those of kept completions are Wilson's."
    )
    yield "The probe's completions are stored: a run requests only the others."
    if recipe.routing.kind in BY_ANSWERS:
        yield (
            f"Whether a row reaches the next teacher is known once {recipe.teacher.display_name} has completed it. "
            "The others are extrapolated at the same rate (Wilson's interval)."
        )
    if endpoints:
        yield "Time over an API is at the probe's latency, within the recipe's limits. Retries add to it."
    if any(endpoint.execution == "batch" for endpoint in endpoints):
        yield "The probe sends single requests, at full price. The time of batches is not forecast."
    if start_seconds:
        yield (
            "Time of an engine is at the probe's pace, its low end that of a fuller engine. The engine's start "
            f"({sum(start_seconds):.0f} s in the probe) comes once on top."
        )
    for teacher in recipe.teachers:
        if teacher.replicas > 1:
            yield f"Time is that of one engine. {teacher.replicas} replicas on a cluster or on several GPUs share it."
    yield from _judge_notes(recipe)
    yield from _launches(recipe)
    yield from unread_lines(recipe)
    if recipe.second_opinion:
        yield "What the filters keep is forecast by the teacher alone: with the second opinion it is another share."
    yield "Training and evaluation are not forecast. The share of near-duplicates grows with the rows."
    if recipe.skill.has_labels and recipe.evaluation.no_teacher_alternatives:
        yield (
            "The stages alternatives and label_curve request nothing: regressions learn on the CPU, about 20 s for the "
            "demo's hundreds of rows, minutes for 10,000 rows of 77 labels."
        )


def _judge_notes(recipe: Recipe) -> Iterator[str]:
    """Yield what is forecast of questions to a judge."""
    if recipe.judge_chooses:
        yield "Questions to the judge about completions to come are forecast by the lengths of their prompts."
    if recipe.judge and recipe.judge.against:
        yield "Questions to the judge about test rows are not forecast: the student writes half of each pair."


def _launches(recipe: Recipe) -> Iterator[str]:
    """Yield how each training starts that takes several processes."""
    for student in recipe.all_students:
        execution = recipe.training_of(student).execution
        if execution.processes > 1:
            command = " ".join(launch_command(execution, TRAIN_WORKER, "SPEC"))
            yield f"Training of {student.display_name} starts {execution.processes} processes by itself: `{command}`."
