"""Has vLLM check the engines of a run whose settings go beyond the common ones, before any work starts."""

from collections.abc import Iterator

from stillhouse.inference.vllm.check_worker import CheckedModel, CheckSpec
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.recipe import Recipe
from stillhouse.runtime.process import run_worker
from stillhouse.runtime.settings import Settings
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
    for field, model in recipe.served_models.items():
        if not model.endpoint and (model.quantization or _is_special(model.engine)):
            yield _model(
                (model.model, model.revision),
                settings,
                field=field,
                dtype=model.dtype,
                quantization=model.quantization,
                engine=model.engine,
            )
    evaluation = recipe.evaluation
    for student in recipe.all_students if _is_special(evaluation.engine) else ():
        if not student.is_encoder:
            # what is trained has the heads and the experts of its base
            yield _model(
                (student.model, student.revision),
                settings,
                field="evaluation",
                dtype=evaluation.student_dtype,
                engine=evaluation.engine,
            )


def _model(name: tuple[str, str], settings: Settings, **loaded: object) -> CheckedModel:
    found = find_checkpoint(*name, settings)
    return CheckedModel.model_validate(
        {"path": found.path, "revision": name[1], "is_converted": found.model.kind == "gguf", **loaded}
    )


def _is_special(engine: Engine) -> bool:
    return engine.num_gpus > 1 or engine.expert_parallel or engine.kv_cache_dtype != "auto" or bool(engine.arguments)
