"""How each student of a run is trained on this machine, with what the recipe leaves open."""

from stillhouse.recipe.training import Training
from stillhouse.recipe.training_defaults import with_defaults
from stillhouse.runtime.machine import engine_machine
from stillhouse.runtime.settings import Settings
from stillhouse.students.size import num_parameters
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentBase


def training_of(run: Run, base: StudentBase) -> Training:
    """Return the training of a student, with every field settled."""
    training, student = run.recipe.training_of(base.config), base.config
    if student.is_encoder:
        # small enough for float32 everywhere; its learning rate is its own
        return with_defaults(training, None, on_gpu=False)
    on_gpu, found = trains_on_gpu(training, run.settings), base.checkpoint
    # a hub may have to be asked
    matters = training.has_open_rate or (on_gpu and training.weights is None)
    parameters = num_parameters(found.path, student.revision, student.layers, student.cut) if matters else None
    return with_defaults(training, parameters, on_gpu=on_gpu)


def trains_on_gpu(training: Training, settings: Settings) -> bool:
    """Return whether training runs on a GPU here."""
    device = training.execution.device
    return device == "cuda" or (device == "auto" and bool(engine_machine(settings.engine_python).gpus))
