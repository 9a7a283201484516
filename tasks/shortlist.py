"""Finds the rows that a plan may probe the next teacher with: those that the teachers before have completed."""

from collections.abc import Sequence
from dataclasses import replace

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.filters.settings import Filters
from stillhouse.filters.unanswered import check_references, routing_filters
from stillhouse.inference.models import Checkpoint
from stillhouse.planning.inputs import PlanInputs
from stillhouse.recipe.routing import BY_ANSWERS
from stillhouse.skills.cases import rows_to_ask
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.calibration import Calibration
from stillhouse.teachers.probe_result import ProbeResult, RowIds
from stillhouse.teachers.spec import write_row_ids
from tasks.balance import Rows
from tasks.orchestration.params import IfSet
from tasks.orchestration.probes import PlanParams, Probes, fingerprints_of, plan_inputs, probe_inputs
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


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


@stage("shortlist", version=1)
def shortlist(call: StageCall[ShortlistParams]) -> ShortlistSummary:
    """Write prompts.parquet, the ids of the rows that earlier teachers have completed and this one would get."""
    recipe, inputs = call.params.recipe, plan_inputs(call)
    if recipe.routing.kind == "first_verified":
        check_references(rows_to_ask(inputs.rows, recipe.training.use_references))
    ids = next_rows(inputs)
    write_row_ids(sorted(ids), call.work.folder)
    return ShortlistSummary(prompts=len(ids))


def next_rows(inputs: PlanInputs) -> RowIds:
    """Return the rows that all probed teachers have completed and the recipe's next teacher would get."""
    recipe, probes = inputs.recipe, inputs.probes
    if recipe.routing.kind not in BY_ANSWERS:
        return RowIds.intersection(*(probe.completed for probe in probes))
    following = ProbeResult(recipe.teachers[len(probes)], prompts=())
    ids, _ = replace(inputs, probes=[*probes, following]).routed[-1]
    return ids


def shortlist_rows(run: Run, earlier: Sequence[Checkpoint], probes: Probes, rows: Rows) -> Built[ShortlistSummary]:
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
