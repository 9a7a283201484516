"""Checks that this machine and the engine environment can train a run's students as the recipe says."""

from collections.abc import Iterator
from pathlib import Path

from stillhouse.errors import RecipeError
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.training import Training
from stillhouse.runtime.machine import engine_machine
from stillhouse.runtime.settings import Settings
from tasks.orchestration.training_of import trains_on_gpu


def check_training(recipe: Recipe, settings: Settings) -> None:
    """Return if every student can be trained here, as far as that is known before its weights are loaded.

    Raises:
        RecipeError: a setting needs a GPU and there is none, or a package that the engine environment lacks.
    """
    lines: list[str] = []
    for student in recipe.all_students:
        training = recipe.training_of(student)
        for setting, package, instead in _needs(training):
            problem = _problem(training, package, settings)
            lines += [f"training.{setting} {problem} Or set {instead}."] if problem else []
        lines += _too_few_gpus(training, settings)
    if lines:
        raise RecipeError("\n".join(dict.fromkeys(lines)))


def _needs(training: Training) -> Iterator[tuple[str, str, str]]:
    """Yield each setting that needs a GPU and a package, the package, and what does without."""
    if training.method == "qlora":
        yield "method: qlora", "bitsandbytes", "method: lora"
    if training.optimizer != "adamw":
        yield f"optimizer: {training.optimizer}", "bitsandbytes", "optimizer: adamw"
    if training.execution.kernels == "liger":
        yield "execution.kernels: liger", "liger_kernel", "kernels: torch"
    if training.execution.sharding != "none":
        package = {"fsdp": "accelerate", "deepspeed": "deepspeed"}[training.execution.sharding]
        yield f"execution.sharding: {training.execution.sharding}", package, "sharding: none"


def _too_few_gpus(training: Training, settings: Settings) -> Iterator[str]:
    processes = training.execution.processes
    if processes > 1 and trains_on_gpu(training, settings):
        number = len(engine_machine(settings.engine_python).gpus)
        if processes > number:
            yield (
                f"training.execution.processes: {processes} need a GPU each, and here are {number}: set it to {number}."
            )


def _problem(training: Training, package: str, settings: Settings) -> str:
    """Return what stands against it; empty if nothing does."""
    if not trains_on_gpu(training, settings):
        return (
            "needs an NVIDIA GPU, and the engine environment here trains on the CPU: take a machine with one and run "
            "`make setup DEVICE=cuda` there."
        )
    if not _has(settings.engine_python, package):
        return (
            f"needs the package {package.replace('_', '-')}, which the engine's Python {settings.engine_python} lacks: "
            f"run `{settings.engine_python} -m pip install {package.replace('_', '-')}`."
        )
    return ""


def _has(python: Path, package: str) -> bool:
    # looked up without starting that Python, which would take a second
    return any((python.parent.parent / "lib").glob(f"python*/site-packages/{package}-*.dist-info"))
