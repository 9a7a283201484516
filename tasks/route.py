"""Finds which prompts go to one of several teachers."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pydantic import Field

from stillhouse.artifacts.handle import Built, StageSummary
from stillhouse.completions.table import lines_by_row, mixed
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.data.row import Row
from stillhouse.filters.settings import Filters
from stillhouse.filters.unanswered import check_references, routing_filters, unanswered_rows
from stillhouse.recipe.routing import BY_ROW
from stillhouse.skills.cases import read_splits, rows_to_ask
from stillhouse.skills.registry import AnySkill
from stillhouse.teachers.calibration import Calibration, calibrated_completions, label_priors
from stillhouse.teachers.routing import routed
from stillhouse.teachers.spec import write_row_ids
from tasks.balance import Rows
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class RouteSummary(StageSummary):
    """Prompts there are, and those of them that go to the teacher."""

    prompts: int
    routed: int


class RouteParams(Params):
    """What every kind of routing depends on."""

    skill: AnySkill
    skip_labelled: bool


class RouteByRowParams(RouteParams):
    """Each row names its teacher by a column or by its label."""

    teacher_of: dict[str, int] = Field(alias="places")  # value -> the teacher's index
    default: int
    column: str | None
    teacher: int


class RouteByCompletionsParams(RouteParams):
    """A prompt goes on if no earlier teacher's completion passes the rules."""

    rules: Filters
    must_verify: bool
    labels: tuple[str, ...]
    calibrations: tuple[Calibration, ...]  # of the earlier teachers


@stage("route", version=3)
def route(call: StageCall[RouteParams]) -> RouteSummary:
    """Write prompts.parquet, the ids of the prompts that go to one teacher."""
    params = call.params
    train, validation = read_splits(call.folder("balance"), call.folder("split"), params.skill)
    rows = rows_to_ask([*train, *validation], params.skip_labelled)
    if isinstance(params, RouteByRowParams):
        ids = routed(rows, params.teacher_of, params.default, params.column, params.teacher)
    else:
        assert isinstance(params, RouteByCompletionsParams)
        ids = _unserved(rows, train, call, params)
    write_row_ids(ids, call.work.folder)
    return RouteSummary(prompts=len({row["id"] for row in rows}), routed=len(ids))


def route_prompts(
    run: Run, teacher_index: int, earlier: Mapping[int, Built[GenerationSummary]], rows: Rows
) -> Built[RouteSummary] | None:
    """Return which prompts a teacher completes; None for all.

    `earlier` holds the completions of the teachers before it, by their numbers from 1.

    Raises:
        DataError: the rows lack what the routing needs.
    """
    recipe = run.recipe
    kind = recipe.routing.kind
    if kind == "all" or (kind not in BY_ROW and teacher_index == 0):
        return None
    label = f"route {recipe.teachers[teacher_index].display_name}"
    if kind in BY_ROW:
        return run.build(route, rows.inputs, _by_row(run, teacher_index), label=label)
    must_verify = kind == "first_verified"
    params = RouteByCompletionsParams(
        skill=recipe.skill,
        skip_labelled=recipe.training.use_references,
        rules=routing_filters(recipe.filters, must_verify=must_verify),
        must_verify=must_verify,
        labels=rows.labels,
        calibrations=tuple(teacher.calibration for teacher in recipe.teachers[:teacher_index]),
    )
    completions = {f"answers_{number}": built.ref for number, built in earlier.items()}
    return run.build(route, {**rows.inputs, **completions}, params, label=label)


def mixed_completions(call: StageCall[Any]) -> pa.Table:
    """Return the completions among a call's inputs, answers_1 and so on, each with the number of its teacher."""
    names = [name for name in call.inputs if name.startswith("answers_")]
    return mixed({int(name.removeprefix("answers_")): call.folder(name) / "completions.parquet" for name in names})


def _by_row(run: Run, teacher_index: int) -> RouteByRowParams:
    """Return the map of values to teachers by index: their names are no part of what is made."""
    routing, names = run.recipe.routing, [teacher.display_name for teacher in run.recipe.teachers]
    return RouteByRowParams(
        skill=run.recipe.skill,
        skip_labelled=run.recipe.training.use_references,
        teacher_of={value: names.index(name) for value, name in routing.teachers.items()},
        default=names.index(routing.default) if routing.default else 0,
        column=routing.column if routing.kind == "source" else None,
        teacher=teacher_index,
    )


def _unserved(
    rows: list[Row], train: list[Row], call: StageCall[RouteParams], params: RouteByCompletionsParams
) -> list[str]:
    """Return the prompts without a usable completion by an earlier teacher, as the filters judge."""
    if params.must_verify:
        check_references(rows)
    lines = lines_by_row(mixed_completions(call))
    completions = calibrated_completions(lines, label_priors(params.calibrations, train, lines), params.labels)
    return unanswered_rows(rows, completions, params.rules, params.skill, params.labels)
