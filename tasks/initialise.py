"""Makes the student as it is before training: one of the two baselines."""

from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.student import Student
from stillhouse.students.spec import InitialiseSpec
from stillhouse.students.summary import InitialiseSummary
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


class InitialiseParams(Params):
    """The base model's content, and what of it the student takes."""

    base: Any
    student: dict[str, Any]  # its layers and chat template
    config: Execution[Student]
    path: Execution[str]


@stage("initialise", version=1, on_device=True)
def initialise(call: StageCall[InitialiseParams]) -> InitialiseSummary:
    """Write the student as it is before training."""
    student = call.params.config
    spec = InitialiseSpec(
        base_model=call.params.path,
        revision=student.revision,
        layers=student.layers,
        chat_template=student.template,
        out=str(call.work.folder),
    )
    return InitialiseSummary.model_validate(run_engine_worker(call, Worker.INITIALISE, spec))


def initialise_student(run: Run, base: Checkpoint) -> Built[InitialiseSummary]:
    """Return the student's weights before training."""
    student = run.recipe.student
    params = InitialiseParams(base=base.identity, student=student.initial_identity, config=student, path=base.path)
    return run.build(initialise, base.inputs, params)
