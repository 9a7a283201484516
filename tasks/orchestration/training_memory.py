"""Reckons the memory of each student's training on this machine."""

from collections.abc import Iterator

from stillhouse.inference.loading import known_config
from stillhouse.planning.training_memory import StudentShape, TrainingMemory, reckon_training
from stillhouse.recipe.student import Student
from stillhouse.recipe.training_defaults import with_defaults
from stillhouse.runtime.machine import engine_machine
from stillhouse.students.size import num_parameters
from tasks.orchestration.run import Run
from tasks.orchestration.run_models import find_checkpoint
from tasks.orchestration.training_of import trains_on_gpu


def trainings_memory(run: Run) -> Iterator[TrainingMemory]:
    """Yield what the training of each student takes, but of encoders and of models that nobody describes."""
    machine = engine_machine(run.settings.engine_python)
    for student in run.recipe.all_students:
        if student.is_encoder:
            continue
        path = find_checkpoint(student.model, student.revision, run.settings).path
        shape = _shape(path, student)
        if shape is None:
            continue
        training = run.recipe.training_of(student)
        on_gpu = bool(machine.gpus) and trains_on_gpu(training, run.settings)
        settled = with_defaults(training, shape.parameters, on_gpu=on_gpu)
        available = machine.gpu_bytes if on_gpu else machine.memory_bytes
        beside = _parameters_beside(run, student, path)
        yield reckon_training(student.display_name, shape, settled, available, on_gpu=on_gpu, beside=beside)


def _parameters_beside(run: Run, student: Student, path: str) -> int:
    """Return the parameters of the model that a student's method reads beside it, as far as they are known."""
    training = run.recipe.training_of(student)
    if training.learns_from_base:
        return num_parameters(path, student.revision, 0) or 0
    teacher = next((one for one in run.recipe.teachers if not one.endpoint), None)
    if teacher is None or not training.needs_teacher:
        return 0
    found = find_checkpoint(teacher.model, teacher.revision, run.settings)
    return num_parameters(found.path, teacher.revision, 0) or 0


def _shape(path: str, student: Student) -> StudentShape | None:
    parameters = num_parameters(path, student.revision, student.layers, student.cut)
    if parameters is None:
        return None
    config = known_config(path, student.revision)
    return StudentShape.of(config, parameters, student.layers, student.cut) if config else None
