"""Asks each teacher a few prompts of those that a run would ask, for a forecast; a later run finds their answers."""

from collections.abc import Sequence
from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.artifacts.store import open_store
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.ledger import usage_before
from stillhouse.costs.price import resolve_price
from stillhouse.costs.usage import BudgetUsage
from stillhouse.filters.unanswered import check_references, routing_filters
from stillhouse.inference.models import Checkpoint
from stillhouse.planning.inputs import PlanInputs, read_inputs
from stillhouse.planning.probe_result import ProbeResult, read_probe
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.routing import BY_ANSWERS, BY_ROW
from stillhouse.skills.cases import read_cases, rows_to_ask
from stillhouse.teachers.spec import ProbeSpec, write_row_ids
from tasks.convert import fingerprint_of
from tasks.generate import asked_in, generation_identity
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_asking_worker
from tasks.route import route_prompts

# what a teacher is asked: enough for a mean, and what a demo's teacher answers in seconds
PROMPTS = 32


@stage("probe", version=1, on_device=True)
def probe(call: StageCall) -> dict[str, Any]:
    """Write asked.parquet, which names all that would be asked, and probe.json; answers go to the completion store."""
    teacher = call.execution["teacher"]
    spec = ProbeSpec(
        **asked_in(call),
        prompts=call.identity["prompts"],
        among=str(call.folder("among") / "prompts.parquet") if "among" in call.inputs else None,
        test=str(call.folder("split") / "test.parquet"),
        out=str(call.work.folder),
    )
    return run_asking_worker(call, teacher, "probe", spec)


@stage("shortlist", version=1)
def shortlist(call: StageCall) -> dict[str, Any]:
    """Write prompts.parquet, the ids of the rows that the teachers before have answered and this one would be asked."""
    recipe = call.execution["recipe"]
    if recipe.routing.kind == "first_verified":
        tables = (call.folder("balance") / "train.parquet", call.folder("split") / "validation.parquet")
        rows = [row for table in tables for row in read_cases(table, recipe.skill)]
        check_references(rows_to_ask(rows, recipe.training.use_references))
    ids = inputs_in(call).next_rows()
    write_row_ids(ids, call.work.folder)
    return {"prompts": len(ids)}


def inputs_in(call: StageCall) -> PlanInputs:
    """Return what the probes that a call is given tell, with the completions that the store holds now."""
    store, recipe = open_store(call.settings.store), call.execution["recipe"]
    probes = [
        read_probe(call.folder(f"probe_{index}"), store, recipe.teachers[index], fingerprint)
        for index, fingerprint in enumerate(call.execution["fingerprints"])
    ]
    return read_inputs(probes, recipe, call.identity["labels"], call.folder("balance"), call.folder("split"))


def read_probes(run: Run, teachers: Sequence[Checkpoint], probes: Sequence[ArtifactRef]) -> list[ProbeResult]:
    """Return the result of each teacher's probe, with the completions that the store holds now."""
    return [
        read_probe(
            run.store.fetch(ref),
            run.store,
            asked,
            fingerprint_of(teacher, asked),
            run.summary(probe_label(run.recipe, index)),
        )
        for index, (ref, teacher, asked) in enumerate(zip(probes, teachers, run.recipe.teachers, strict=True))
    ]


def probe_teachers(
    run: Run, teachers: list[Checkpoint], sides: ArtifactRef, balanced: ArtifactRef
) -> list[ArtifactRef]:
    """Return, for each teacher, what it would be asked and which prompts it was asked for the forecast.

    A second plan asks no others. Where answers decide who is asked next, a teacher is probed with rows that those
    before have answered, and not served.

    Raises:
        DataError: the rows lack what routing goes by.
    """
    found: list[ArtifactRef] = []
    for place, teacher in enumerate(teachers):
        inputs = {"split": sides, "balance": balanced, **teacher.inputs}
        if run.recipe.routing.kind in BY_ROW:
            routed = route_prompts(run, place, {}, sides, balanced)
            inputs |= {"routed": routed} if routed else {}
        elif place:
            inputs["among"] = _rows_for(run, teachers[:place], found, sides, balanced)
        found.append(_probe_teacher(run, place, teacher, inputs))
    return found


def probe_label(recipe: Recipe, place: int) -> str:
    """Return what the probe of the teacher at `place` is called in a run."""
    return f"probe {recipe.teachers[place].called}" if recipe.has_several else "probe"


def named(probes: Sequence[ArtifactRef]) -> dict[str, ArtifactRef]:
    """Return the probes as inputs of a stage."""
    return {f"probe_{place}": probe for place, probe in enumerate(probes)}


def spent_on_probes(run: Run) -> BudgetUsage:
    """Return what the probes so far took of the budget."""
    generations = run.recipe.generations
    labels = zip(generations, (probe_label(run.recipe, place) for place in range(len(generations))), strict=True)
    return usage_before({name: run.results[label] for name, label in labels if label in run.results}, run.recipe)


def _rows_for(
    run: Run, before: list[Checkpoint], probes: list[ArtifactRef], sides: ArtifactRef, balanced: ArtifactRef
) -> ArtifactRef:
    """Return which rows the teacher after those of `before` may be probed with."""
    recipe = run.recipe
    kind = recipe.routing.kind
    identity = {"skill": recipe.skill, "labels": run.summary("validate")["labels"], "in_turn": kind in BY_ANSWERS}
    if kind in BY_ANSWERS:
        identity |= {
            "rules": routing_filters(recipe.filters, must_verify=kind == "first_verified"),
            "calibrations": [teacher.calibration for teacher in recipe.teachers[: len(before)]],
        }
    return run.build(
        shortlist,
        {"split": sides, "balance": balanced, **named(probes)},
        identity,
        label=f"shortlist {recipe.teachers[len(before)].called}",
        recipe=recipe,
        fingerprints=[fingerprint_of(one, asked) for one, asked in zip(before, recipe.teachers, strict=False)],
    )


def _probe_teacher(run: Run, place: int, teacher: Checkpoint, inputs: dict[str, ArtifactRef]) -> ArtifactRef:
    recipe = run.recipe
    asked = recipe.teachers[place]
    return run.build(
        probe,
        inputs,
        {**generation_identity(run, teacher, place), "prompts": PROMPTS},
        label=probe_label(recipe, place),
        teacher=asked,
        skill=recipe.skill,
        path=teacher.path,
        cap=BudgetScope(budget=recipe.budget, price=resolve_price(asked, recipe.costs), before=spent_on_probes(run)),
    )
