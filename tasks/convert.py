"""Makes a checkpoint that an engine can load out of a GGUF file, and finds the checkpoints of a recipe's models."""

from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.teacher import ServedModel
from stillhouse.students.spec import ConvertSpec, ConvertSummary
from tasks.orchestration.model_memory import find_refusal
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.run_models import find_checkpoint
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentBase, roles_of
from tasks.orchestration.workers import Worker, run_engine_worker


class ConvertParams(Params):
    """The file's content, and where it lies."""

    gguf: dict[str, str]  # file name -> SHA-256
    path: Execution[str]


@stage("convert", version=1, on_device=True)
def convert(call: StageCall[ConvertParams]) -> ConvertSummary:
    """Write a GGUF file's model as a normal checkpoint."""
    spec = ConvertSpec(gguf=call.params.path, out=str(call.work.folder))
    return run_engine_worker(call, Worker.CONVERT, spec, ConvertSummary)


def load_teachers(run: Run) -> list[Checkpoint]:
    """Return every teacher's checkpoint, in the recipe's order."""
    return [_load_model(run, f"teachers.{index}", teacher) for index, teacher in enumerate(run.recipe.teachers)]


def load_judge(run: Run) -> Checkpoint | None:
    """Return the judge's checkpoint; None if the recipe has no judge."""
    return _load_model(run, "judge", run.recipe.judge) if run.recipe.judge else None


def load_student_bases(run: Run) -> list[StudentBase]:
    """Return the students with the whole models that they are made from, the main one first."""
    return [
        StudentBase(role, student, _load(run, student.model, student.revision))
        for role, student in roles_of(run.recipe)
    ]


def _load_model(run: Run, field: str, config: ServedModel) -> Checkpoint:
    """Return a model's checkpoint; one behind an endpoint is only named."""
    if config.endpoint:
        return Checkpoint.behind(config.endpoint, config.model, config.revision)
    found = _load(run, config.model, config.revision)
    return found.model_copy(update={"refusal": find_refusal(run, field, config, found)})


def _load(run: Run, name: str, revision: str) -> Checkpoint:
    """Return the checkpoint of local weights, a hub's model or a run's student; a GGUF file is converted once."""
    found = find_checkpoint(name, revision, run.settings)
    model = found.model
    if model.kind != "gguf":
        return found
    converted = run.build(convert, {}, ConvertParams(gguf=model.files, path=model.path))
    return Checkpoint(model=model, path=str(run.store.fetch(converted.ref)), ref=converted.ref)
