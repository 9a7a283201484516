"""How an engine here loads the models of a recipe."""

from stillhouse.inference.models import Checkpoint
from stillhouse.inference.vllm.arguments import EngineModel
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.student import Student
from stillhouse.recipe.teacher import ServedModel


def as_served(config: ServedModel, checkpoint: Checkpoint) -> EngineModel:
    """Return a teacher or a judge as its engine loads it."""
    return EngineModel(
        path=checkpoint.path,
        revision=config.revision,
        dtype=config.dtype,
        quantization=config.quantization,
        engine=config.engine,
    )


def as_evaluated(student: Student, base: Checkpoint, evaluation: Evaluation) -> EngineModel:
    """Return a student's base as the evaluation loads it; what is trained has its shape."""
    return EngineModel(
        path=base.path, revision=student.revision, dtype=evaluation.student_dtype, engine=evaluation.engine
    )
