"""Asks the teacher a few prompts of those that a run would ask, for a forecast; a later run finds their answers."""

from typing import Any

from tasks.artifacts.ref import ArtifactRef
from tasks.costs.allowance import Cap
from tasks.costs.tariff import tariff_of
from tasks.engine_stage import run_control_worker, run_engine_worker
from tasks.engines.checkpoints import Checkpoint
from tasks.engines.start import environment_for
from tasks.generate import asked_in, asking_identity
from tasks.recipe.errors import RecipeError
from tasks.run import Run
from tasks.stage import StageCall, stage
from tasks.teachers.spec import ProbeSpec

# what is asked: enough for a mean, and what a demo's teacher answers in seconds
PROMPTS = 32


@stage("probe", version=1, on_device=True)
def probe(call: StageCall) -> dict[str, Any]:
    """Write asked.parquet, which names all that would be asked, and probe.json; answers go to the completion store."""
    teacher = call.execution["teacher"]
    spec = ProbeSpec(
        **asked_in(call),
        prompts=call.identity["prompts"],
        test=str(call.folder("split") / "test.parquet"),
        out=str(call.work.folder),
    )
    if teacher.endpoint:
        return run_control_worker(call, "tasks.teachers.api.probing", spec)
    return run_engine_worker(call, "tasks.teachers.probing", spec, environment_for(teacher.engine))


def probe_teacher(run: Run, teacher: Checkpoint, sides: ArtifactRef, balanced: ArtifactRef) -> ArtifactRef:
    """Return what would be asked, and which prompts were asked for the forecast; a second plan asks no others.

    Raises:
        RecipeError: the recipe has several teachers.
    """
    recipe = run.recipe
    if recipe.has_several:
        raise RecipeError(
            f"A plan forecasts one teacher, and {recipe.name} has {len(recipe.teachers)}. Plan each in a recipe of its "
            "own: the answers are stored for all recipes alike."
        )
    return run.build(
        probe,
        {"split": sides, "balance": balanced, **teacher.inputs},
        {**asking_identity(run, teacher), "prompts": PROMPTS},
        teacher=recipe.teacher,
        skill=recipe.skill,
        path=teacher.path,
        cap=Cap(budget=recipe.budget, tariff=tariff_of(recipe.teacher, recipe.costs)),
    )
