"""Finds, where there are several teachers, which prompts one of them is to answer."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.completions.table import lines_by_row, mixed
from stillhouse.data.row import Row
from stillhouse.filters.unanswered import check_references, routing_filters, unanswered_rows
from stillhouse.recipe.routing import BY_ROW
from stillhouse.skills.cases import read_cases, rows_to_ask
from stillhouse.teachers.calibration import calibrated_completions, label_priors
from stillhouse.teachers.routing import routed
from stillhouse.teachers.spec import write_row_ids
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


@stage("route", version=1)
def route(call: StageCall) -> dict[str, Any]:
    """Write prompts.parquet, the ids of the prompts that go to one teacher."""
    skill, skip = call.execution["skill"], call.identity["skip_labelled"]
    train = read_cases(call.folder("balance") / "train.parquet", skill)
    rows = rows_to_ask([*train, *read_cases(call.folder("split") / "validation.parquet", skill)], skip)
    ids = _by_row(rows, call.identity) if "places" in call.identity else _by_answers(rows, train, call)
    write_row_ids(ids, call.work.folder)
    return {"prompts": len({row["id"] for row in rows}), "routed": len(ids)}


def route_prompts(
    run: Run, place: int, earlier: dict[int, ArtifactRef], sides: ArtifactRef, balanced: ArtifactRef
) -> ArtifactRef | None:
    """Return which prompts the teacher at `place` answers, given the answers of those before it; None for all.

    Raises:
        DataError: the rows lack what routing goes by.
    """
    recipe = run.recipe
    kind = recipe.routing.kind
    if kind == "all" or (kind not in BY_ROW and place == 0):
        return None
    identity: dict[str, Any] = {"skill": recipe.skill, "skip_labelled": recipe.training.use_references}
    inputs = {"split": sides, "balance": balanced}
    rules = routing_filters(recipe.filters, must_verify=kind == "first_verified")
    if kind in BY_ROW:
        identity |= _map_of(run) | {"teacher": place}
    else:
        identity |= {
            "rules": rules,
            "must_verify": kind == "first_verified",
            "labels": run.summary("validate")["labels"],
            "calibrations": [teacher.calibration for teacher in recipe.teachers[:place]],
        }
        inputs |= {f"answers_{number}": ref for number, ref in earlier.items()}
    label = f"route {recipe.teachers[place].called}"
    return run.build(route, inputs, identity, label=label, skill=recipe.skill, rules=rules)


def _map_of(run: Run) -> dict[str, Any]:
    """Return value -> teacher by the teachers' places: their names are no part of what is made."""
    routing, names = run.recipe.routing, [teacher.called for teacher in run.recipe.teachers]
    return {
        "places": {value: names.index(name) for value, name in routing.teachers.items()},
        "default": names.index(routing.default) if routing.default else 0,
        "column": routing.column if routing.kind == "source" else None,
    }


def _by_row(rows: list[Row], identity: dict[str, Any]) -> list[str]:
    return routed(rows, identity["places"], identity["default"], identity["column"], identity["teacher"])


def _by_answers(rows: list[Row], train: list[Row], call: StageCall) -> list[str]:
    """Return the prompts that no earlier teacher served, as the filters judge."""
    if call.identity["must_verify"]:
        check_references(rows)
    names = [name for name in call.inputs if name.startswith("answers_")]
    tables = {int(name.removeprefix("answers_")): call.folder(name) / "completions.parquet" for name in names}
    lines, labels = lines_by_row(mixed(tables)), call.identity["labels"]
    completions = calibrated_completions(lines, label_priors(call.identity["calibrations"], train, lines), labels)
    return unanswered_rows(rows, completions, call.execution["rules"], call.execution["skill"], labels)
