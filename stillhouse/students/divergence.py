"""Stops a training whose numbers are none any more, before a checkpoint keeps them.

Imported in the engine environment only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from stillhouse.errors import TrainingError

if TYPE_CHECKING:
    from stillhouse.recipe.training import Training

# the trainer's names, and ours
_WATCHED = {"loss": "the training loss", "grad_norm": "the gradient's norm", "eval_loss": "the validation loss"}


class DivergenceGuard(TrainerCallback):
    """Ends the training where a loss, the gradient's norm or a weight that would be kept is NaN or infinite.

    It stands behind the callback that decides when to save, and the trainer logs a step before it saves it: what a
    checkpoint holds is finite.
    """

    def __init__(self, training: Training, rate_field: str = "training.learning_rate") -> None:
        """Take the settings to name, and the recipe's field of the learning rate."""
        self._training = training
        self._rate_field = rate_field

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        """Refuse to go on from weights that are not finite.

        Raises:
            TrainingError: the base model, or the checkpoint of a killed training, holds such weights.
        """
        if name := _not_finite(model):
            source = "its base model"
            remedy = "Fetch the model's folder again, or take another"
            if state.global_step:
                source = f"{args.output_dir}/checkpoint-{state.global_step}"
                remedy = "Delete that folder; the run then goes on from the checkpoint before it"
            raise TrainingError(
                f"The student can't be trained: weight {name} of {source} is NaN or infinite. {remedy}."
            )

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        model: Any = None,
        **_: Any,
    ) -> None:
        """Check the numbers of one log entry of the trainer, and the weights if the step is saved or the last.

        Raises:
            TrainingError: one is NaN or infinite.
        """
        for key, name in _WATCHED.items():
            value = float((logs or {}).get(key, 0.0))
            if not math.isfinite(value):
                raise self._error(state, f"{name} is {value}")
        if control.should_save or state.global_step >= state.max_steps:
            self._check_weights(state, model)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        """Check the weights if the model is saved because it is the best so far.

        Raises:
            TrainingError: one is NaN or infinite.
        """
        if control.should_save:
            self._check_weights(state, model)

    def _check_weights(self, state: TrainerState, model: Any) -> None:
        if name := _not_finite(model):
            raise self._error(state, f"weight {name} is NaN or infinite")

    def _error(self, state: TrainerState, seen: str) -> TrainingError:
        training = self._training
        ways = [f"lower {self._rate_field} (now {training.learning_rate:g}; a third of it is a start)"]
        if training.precision == "bfloat16":
            ways.append("set training.precision to float32 (now bfloat16)")
        ways.append(
            "raise training.batch_size or training.gradient_accumulation "
            f"(now {training.batch_size} x {training.gradient_accumulation})"
        )
        return TrainingError(
            f"Training stopped at step {state.global_step} of {state.max_steps}: {seen}, so the student is lost. Its "
            f"weights are not kept, only checkpoints before. To go on, {', '.join(ways[:-1])} or {ways[-1]}."
        )


def _not_finite(model: Any) -> str:
    """Return the name of the first trained weight that is not finite, or nothing."""
    trained = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
    return next((name for name, weight in trained if not torch.isfinite(weight.detach()).all()), "")
