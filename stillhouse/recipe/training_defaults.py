"""Settles what a recipe leaves open in its training: it follows the student's size, the method and the device."""

from stillhouse.recipe.learning_rates import BILLION, fitting_rate, preference_rate
from stillhouse.recipe.training import Training


def with_defaults(training: Training, parameters: int | None, *, on_gpu: bool) -> Training:
    """Return `training` with a learning rate and a precision, and on GPUs what makes large students fit.

    What it settles is in the fingerprint of the trained student as if the recipe had set it.

    Args:
        training: as the recipe has it.
        parameters: of the student; None if that is not known, which counts as 1 billion.
        on_gpu: whether it is trained on GPUs.
    """
    settled = {
        "learning_rate": fitting_rate(parameters, has_adapter=training.has_adapter),
        "precision": "bfloat16" if on_gpu else "float32",
        "weights": "bfloat16" if on_gpu and _is_large(training, parameters) else None,
    }
    changes: dict[str, object] = {name: value for name, value in settled.items() if getattr(training, name) is None}
    if training.execution.gradient_checkpointing is None:
        changes["execution"] = training.execution.model_copy(update={"gradient_checkpointing": on_gpu})
    if training.preferences is not None and training.preferences.learning_rate is None:
        rate = preference_rate(parameters, has_adapter=training.has_adapter)
        changes["preferences"] = training.preferences.model_copy(update={"learning_rate": rate})
    return training.model_copy(update=changes)


def _is_large(training: Training, parameters: int | None) -> bool:
    """Return whether weights in float32 would take the most of the memory, or need not be exact: they don't move."""
    if training.preferences and not training.has_adapter:
        return False  # steps of a second step are a hundredth of what bfloat16 rounds away
    return training.has_adapter or parameters is None or parameters >= BILLION
