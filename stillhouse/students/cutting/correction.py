"""The training of a whole base model before its cut: the recipe's, for a few steps and on the answers' text alone.

Source: teacher correction, arXiv:2408.11796, section 3.1.
"""

from stillhouse.recipe.cut import Correction
from stillhouse.recipe.training import Training

_AS_THE_STUDENT = {
    *("lora", "warmup_ratio", "scheduler", "batch_size", "gradient_accumulation", "weight_decay", "optimizer"),
    *("max_length", "packing", "precision", "weights", "seed", "save_every", "reasoning"),
}


def correction_of(correction: Correction, training: Training) -> Training | None:
    """Return the settled training of the base before its cut; None if the recipe asks for none."""
    if not correction.steps:
        return None
    execution = training.execution.model_copy(update={"processes": 1, "sharding": "none"})
    return training.model_validate(
        {
            **{name: getattr(training, name) for name in _AS_THE_STUDENT},
            # weights of 4 bits can't be cut
            "method": "lora" if training.has_adapter else "full",
            "learning_rate": correction.learning_rate or training.learning_rate,
            "max_steps": correction.steps,
            "early_stopping_patience": 0,
            "execution": execution,
        }
    )
