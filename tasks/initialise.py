"""Makes the student as it is before training: one of the two baselines."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.inference.models import Checkpoint
from stillhouse.students.spec import InitialiseSpec
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


@stage("initialise", version=1, on_device=True)
def initialise(call: StageCall) -> dict[str, Any]:
    """Write the student as it is before training."""
    student = call.execution["student"]
    spec = InitialiseSpec(
        base_model=call.execution["path"],
        revision=student.revision,
        layers=student.layers,
        chat_template=student.template,
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.INITIALISE, spec)


def initialise_student(run: Run, base: Checkpoint) -> ArtifactRef:
    """Return the student's weights before training: one of the two baselines."""
    student = run.recipe.student
    return run.build(
        initialise, base.inputs, {"base": base.identity, "student": student.shape}, student=student, path=base.path
    )
