"""Finds the rows that a plan may probe the next teacher with: those that the teachers before have completed."""

from collections.abc import Sequence

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.filters.settings import Filters
from stillhouse.filters.unanswered import check_references, routing_filters
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.routing import BY_ANSWERS
from stillhouse.skills.cases import rows_to_ask
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.calibration import Calibration
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
    ids, _ = inputs.routed[-1]
    write_row_ids(sorted(ids), call.work.folder)
    return ShortlistSummary(prompts=len(ids))


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
