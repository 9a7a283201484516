"""Has vLLM check the engines of a run whose settings go beyond the common ones, before any work starts."""

from collections.abc import Iterator

from stillhouse.inference.models import Checkpoint
from stillhouse.inference.vllm.arguments import EngineModel
from stillhouse.inference.vllm.check_worker import CheckedModel, CheckSpec
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.recipe import Recipe
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import Settings
from tasks.orchestration.engine_models import as_evaluated, as_served
from tasks.orchestration.run_models import find_checkpoint
from tasks.orchestration.workers import Worker


def check_engines(recipe: Recipe, settings: Settings) -> None:
    """Return if vLLM takes the settings of all engines; with common ones it is not asked, which would take seconds.

    Raises:
        RecipeError: it refuses one.
        WorkerError: the engine environment is not there.
    """
    models = tuple(_checked(recipe, settings))
    if models:
        spec = CheckSpec(models=models)
        run_worker(Worker.CHECK_ENGINES, spec, python=settings.engine_python, environment=environment_for(Engine()))


def _checked(recipe: Recipe, settings: Settings) -> Iterator[CheckedModel]:
    for field, config in recipe.served_models.items():
        if not config.endpoint and (config.quantization or _is_special(config.engine)):
            found = find_checkpoint(config.model, config.revision, settings)
            yield _model(field, found, as_served(config, found))
    evaluation = recipe.evaluation
    for student in recipe.all_students if _is_special(evaluation.engine) else ():
        if not student.is_encoder:
            # what is trained has the heads and the experts of its base
            base = find_checkpoint(student.model, student.revision, settings)
            yield _model("evaluation", base, as_evaluated(student, base, evaluation))


def _model(field: str, found: Checkpoint, loaded: EngineModel) -> CheckedModel:
    return CheckedModel(**dict(loaded), field=field, is_converted=found.model.kind == "gguf")


def _is_special(engine: Engine) -> bool:
    return engine.num_gpus > 1 or engine.expert_parallel or engine.kv_cache_dtype != "auto" or bool(engine.arguments)
