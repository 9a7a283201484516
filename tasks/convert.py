"""Makes checkpoints that an engine can load: out of a GGUF file, or cut from a larger model."""

from typing import Any

from stillhouse.completions.key import teacher_fingerprint
from stillhouse.inference.models import Checkpoint, identify
from stillhouse.recipe.teacher import ServedModel
from stillhouse.students.spec import ConvertSpec
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


@stage("convert", version=1, on_device=True)
def convert(call: StageCall) -> dict[str, Any]:
    """Write a GGUF file's model as a normal checkpoint."""
    spec = ConvertSpec(gguf=call.execution["path"], out=str(call.work.folder))
    return run_engine_worker(call, Worker.CONVERT, spec)


def load_teachers(run: Run) -> list[Checkpoint]:
    """Return every teacher's checkpoint, in the recipe's order."""
    return [load_teacher(run, place) for place in range(len(run.recipe.teachers))]


def load_teacher(run: Run, place: int = 0) -> Checkpoint:
    """Return a teacher's checkpoint; a GGUF file is converted once, and one behind an endpoint is only named."""
    return _load_served(run, run.recipe.teachers[place])


def load_judge(run: Run) -> Checkpoint | None:
    """Return the judge's checkpoint as a teacher's; None where the recipe has no judge."""
    return _load_served(run, run.recipe.judge) if run.recipe.judge else None


def fingerprint_of(checkpoint: Checkpoint, asked: ServedModel) -> str:
    """Return what the answers of a teacher or a judge are stored under."""
    return teacher_fingerprint(checkpoint.identity, asked.dtype, asked.quantization)


def load_student_base(run: Run) -> Checkpoint:
    """Return the whole model that the student is made from."""
    return _load(run, run.recipe.student.model, run.recipe.student.revision)


def _load_served(run: Run, model: ServedModel) -> Checkpoint:
    if model.endpoint:
        return Checkpoint.behind(model.endpoint, model.model, model.revision)
    return _load(run, model.model, model.revision)


def _load(run: Run, name: str, revision: str) -> Checkpoint:
    model = identify(name, revision, run.settings.model_hashes)
    if model.kind != "gguf":
        return Checkpoint(model=model, path=model.path)
    ref = run.build(convert, {}, {"gguf": model.files}, path=model.path)
    return Checkpoint(model=model, path=str(run.store.fetch(ref)), ref=ref)
