"""Requests a few of each teacher's completions for a forecast; a later run finds them in the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef, Built, StageSummary
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.filters.settings import Filters
from stillhouse.filters.unanswered import check_references, routing_filters
from stillhouse.inference.models import Checkpoint
from stillhouse.planning.inputs import PlanInputs
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS, BY_ROW
from stillhouse.skills.cases import read_splits, rows_to_ask
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.calibration import Calibration
from stillhouse.teachers.probe_result import ProbeResult, read_probe
from stillhouse.teachers.spec import ProbeSpec, write_row_ids
from tasks.balance import Rows
from tasks.generate import generation_params
from tasks.orchestration.generation import GenerationParams
from tasks.orchestration.params import Execution, IfSet, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_completion_worker
from tasks.route import route_prompts

# prompts of a probe: enough for a mean, and a demo's teacher completes them in seconds
PROMPTS = 32

Probes = Sequence[Built[GenerationSummary]]


class ProbeParams(GenerationParams):
    """A generation's parameters, and how many prompts are sent at most."""

    prompts: int


class PlanParams(Params):
    """What a stage needs to read the probes among its inputs."""

    recipe: Execution[Recipe]
    fingerprints: Execution[tuple[str, ...]]  # what the probed teachers' completions are stored under


class ShortlistParams(PlanParams):
    """What decides which rows come to the next teacher."""

    skill: AnySkill
    labels: tuple[str, ...]
    in_turn: bool
    rules: IfSet[Filters | None] = None
    calibrations: IfSet[tuple[Calibration, ...] | None] = None


class ShortlistSummary(StageSummary):
    """Rows that the teacher may be probed with."""

    prompts: int


@stage("probe", version=1, on_device=True)
def probe(call: StageCall[ProbeParams]) -> GenerationSummary:
    """Write asked.parquet, which lists all requests of a run, and probe.json; completions go to their store."""
    inputs = call.folders
    spec = ProbeSpec(
        **call.params.spec_fields(inputs, call.settings.store),
        prompts=call.params.prompts,
        among=str(inputs["among"] / "prompts.parquet") if "among" in inputs else None,
        test=str(inputs["split"] / "test.parquet"),
        out=str(call.work.folder),
    )
    return run_completion_worker(call, "probe", spec)


@stage("shortlist", version=1)
def shortlist(call: StageCall[ShortlistParams]) -> ShortlistSummary:
    """Write prompts.parquet, the ids of the rows that earlier teachers have completed and this one would get."""
    recipe, inputs = call.params.recipe, plan_inputs(call)
    if recipe.routing.kind == "first_verified":
        check_references(rows_to_ask(inputs.rows, recipe.training.use_references))
    ids, _ = inputs.routed[-1]
    write_row_ids(sorted(ids), call.work.folder)
    return ShortlistSummary(prompts=len(ids))


def plan_inputs(call: StageCall[Any]) -> PlanInputs:
    """Return what the probes among a call's inputs tell, with the completions that the store holds now."""
    params = call.params
    probes = [
        read_probe(call.folder(f"probe_{index}"), call.store, params.recipe.teachers[index], fingerprint)
        for index, fingerprint in enumerate(params.fingerprints)
    ]
    splits = read_splits(call.folder("balance"), call.folder("split"), params.recipe.skill)
    return PlanInputs(params.recipe, params.labels, probes, splits)


def read_probes(run: Run, checkpoints: Sequence[Checkpoint], probes: Probes) -> list[ProbeResult]:
    """Return the result of each teacher's probe, with the completions that the store holds now."""
    store, fingerprints = run.store, fingerprints_of(run, checkpoints)
    return [
        read_probe(store.fetch(probe.ref), store, teacher, fingerprint, probe.summary)
        for probe, teacher, fingerprint in zip(probes, run.recipe.teachers, fingerprints, strict=True)
    ]


def fingerprints_of(run: Run, checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """Return what the teachers' completions are stored under, for the recipe's first teachers."""
    pairs = zip(checkpoints, run.recipe.teachers, strict=False)
    return tuple(checkpoint.fingerprint_as(teacher) for checkpoint, teacher in pairs)


def probe_inputs(probes: Probes) -> Mapping[str, ArtifactRef]:
    """Return the probes as inputs of a stage."""
    return {f"probe_{index}": probe.ref for index, probe in enumerate(probes)}


def probe_teachers(run: Run, checkpoints: list[Checkpoint], rows: Rows) -> list[Built[GenerationSummary]]:
    """Return, for each teacher, all requests that a run would make, and which of them the probe made.

    A second plan makes no others. If completions decide which teacher is next, a teacher is probed with rows that those
    before have completed, and not served.

    Raises:
        DataError: the rows lack what the routing needs.
    """
    recipe = run.recipe
    probes: list[Built[GenerationSummary]] = []
    for index, (teacher, checkpoint) in enumerate(zip(recipe.teachers, checkpoints, strict=True)):
        inputs: dict[str, ArtifactRef | None] = {**rows.inputs, **checkpoint.inputs}
        if recipe.routing.kind in BY_ROW:
            routed = route_prompts(run, index, {}, rows)
            inputs["routed"] = routed.ref if routed else None
        elif index:
            inputs["among"] = _rows_for(run, checkpoints[:index], probes, rows).ref
        params = generation_params(run, index, checkpoint, rows, ProbeParams, prompts=PROMPTS)
        label = f"probe {teacher.display_name}" if recipe.has_several else "probe"
        probes.append(run.build(probe, inputs, params, label=label))
        run.note_completions(Expense.GENERATION, f"{teacher.display_name}: prompts", probes[-1], teacher)
    return probes


def _rows_for(run: Run, earlier: Sequence[Checkpoint], probes: Probes, rows: Rows) -> Built[ShortlistSummary]:
    """Return which rows the teacher after those of `earlier` may be probed with."""
    recipe = run.recipe
    kind, by_completions = recipe.routing.kind, recipe.routing.kind in BY_ANSWERS
    calibrations = tuple(teacher.calibration for teacher in recipe.teachers[: len(earlier)])
    params = ShortlistParams(
        skill=recipe.skill,
        labels=rows.labels,
        in_turn=by_completions,
        rules=routing_filters(recipe.filters, must_verify=kind == "first_verified") if by_completions else None,
        calibrations=calibrations if by_completions else None,
        recipe=recipe,
        fingerprints=fingerprints_of(run, earlier),
    )
    label = f"shortlist {recipe.teachers[len(earlier)].display_name}"
    return run.build(shortlist, {**rows.inputs, **probe_inputs(probes)}, params, label=label)
