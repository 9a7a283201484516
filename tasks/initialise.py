"""Makes the student as it is before training: one of the two baselines."""

from typing import Any, Self

from pydantic import Field

from stillhouse.artifacts.handle import Built
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.recipe import Recipe
from stillhouse.students.spec import InitialiseSpec, InitialiseSummary
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


class StudentParams(Params):
    """The base model's content, and what of it the student takes."""

    base: Any
    shape: dict[str, Any] = Field(alias="student")  # its layers, chat template, and what that is told
    revision: Execution[str]
    base_model: Execution[str]  # folder, or hub name

    @classmethod
    def of(cls, recipe: Recipe, base: Checkpoint, **own: Any) -> Self:
        """Return the parameters of the recipe's student made from `base`; `own` holds the fields of a subclass."""
        student = recipe.student
        return cls(
            base=base.identity,
            shape=student.initial_identity | recipe.training.reasoning_identity,
            revision=student.revision,
            base_model=base.path,
            **own,
        )

    def spec_fields(self) -> dict[str, Any]:
        """Return the fields of a `StudentSpec` but for its folder."""
        return {**self.shape, "base_model": self.base_model, "revision": self.revision}


@stage("initialise", version=2, on_device=True)
def initialise(call: StageCall[StudentParams]) -> InitialiseSummary:
    """Write the student as it is before training."""
    spec = InitialiseSpec(**call.params.spec_fields(), out=str(call.work.folder))
    return run_engine_worker(call, Worker.INITIALISE, spec, InitialiseSummary)


def initialise_student(run: Run, base: Checkpoint) -> Built[InitialiseSummary]:
    """Return the student's weights before training."""
    return run.build(initialise, base.inputs, StudentParams.of(run.recipe, base))
