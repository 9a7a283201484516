"""Makes checkpoints that an engine can load: out of a GGUF file, or cut from a larger model."""

from typing import Any

from stillhouse.completions.key import teacher_fingerprint
from stillhouse.inference.models import Checkpoint, Model, identify
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.teacher import Teacher
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
    asked = run.recipe.teachers[place]
    if asked.endpoint:
        model = Model(kind="endpoint", path=asked.model, revision=asked.revision)
        return Checkpoint(model=model, path=asked.model, served=asked.endpoint.names(asked.model, asked.revision))
    return _load(run, asked.model, asked.revision)


def load_judge(run: Run) -> Checkpoint | None:
    """Return the judge's checkpoint as a teacher's; None where the recipe has no judge."""
    judge = run.recipe.judge
    if judge is None:
        return None
    if judge.endpoint:
        model = Model(kind="endpoint", path=judge.model, revision=judge.revision)
        return Checkpoint(model=model, path=judge.model, served=judge.endpoint.names(judge.model, judge.revision))
    return _load(run, judge.model, judge.revision)


def fingerprint_of(checkpoint: Checkpoint, asked: Teacher | Judge) -> str:
    """Return what the answers of a teacher or a judge are stored under."""
    return teacher_fingerprint(checkpoint.identity, asked.dtype, asked.quantization)


def load_student_base(run: Run) -> Checkpoint:
    """Return the whole model that the student is made from."""
    return _load(run, run.recipe.student.model, run.recipe.student.revision)


def _load(run: Run, name: str, revision: str) -> Checkpoint:
    model = identify(name, revision, run.settings.model_hashes)
    if model.kind != "gguf":
        return Checkpoint(model=model, path=model.path)
    ref = run.build(convert, {}, {"gguf": model.files}, path=model.path)
    return Checkpoint(model=model, path=str(run.store.fetch(ref)), ref=ref)
