"""The trainer's callbacks: when to validate and save, progress, and the training time.

The trainer's own schedules tie checkpoints to validation. Imported in the engine environment only.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from stillhouse.recipe.training import Training

if TYPE_CHECKING:
    from stillhouse.runtime.worker import Reporter

NEVER = 10**9  # steps; the trainer needs a number, but Schedule decides


class Schedule(TrainerCallback):
    """Validates every `evaluate_every` steps (0: each epoch) and at the end; saves the best, and every `save_every`."""

    def __init__(self, training: Training, has_validation: bool) -> None:
        self._training = training
        self._has_validation = has_validation

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Correct the path of the best checkpoint; the folder may have moved since the state was saved."""
        if state.best_global_step:
            state.best_model_checkpoint = str(Path(str(args.output_dir)) / f"checkpoint-{state.best_global_step}")
        # a state saved on a finished run's last step says stop, but this run has steps left
        control.should_training_stop = False
        return control

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Request a validation pass and a checkpoint if they are due."""
        at_end = state.global_step >= state.max_steps
        every = self._training.evaluate_every
        due = state.global_step % every == 0 if every else math.isclose(state.epoch % 1.0, 0.0, abs_tol=1e-9)
        control.should_evaluate = self._has_validation and (due or at_end)
        control.should_save = self._save_due(state)
        return control

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> TrainerControl:
        """Save a model that is better than all before it, whatever the schedule."""
        assert metrics is not None
        is_best = state.best_metric is None or metrics["eval_loss"] < state.best_metric
        control.should_save = is_best or self._save_due(state)
        return control

    def _save_due(self, state: TrainerState) -> bool:
        # the last step's model goes straight into the export
        return state.global_step % self._training.save_every == 0 and state.global_step < state.max_steps


class Progress(TrainerCallback):
    """Reports steps, losses and the learning rate."""

    def __init__(self, report: Reporter) -> None:
        self._report = report

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Report one log entry of the trainer."""
        names = {"loss": "train_loss", "eval_loss": "validation_loss", "learning_rate": "learning_rate"}
        shown = {name: float(logs[key]) for key, name in names.items() if logs and key in logs}
        for name, value in shown.items():
            self._report.metric(name, value, step=state.global_step)
        if shown:
            self._report.progress(state.global_step, state.max_steps, "steps", **shown)


class Clock(TrainerCallback, ExportableState):
    """Training seconds of all the attempts whose work is kept; saved with every checkpoint."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = time.monotonic()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start this attempt's time."""
        self._since = time.monotonic()

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Add this attempt's time."""
        self.seconds = self._total()

    def state(self) -> dict[str, Any]:
        """Return the state that a checkpoint keeps."""
        return {"args": {}, "attributes": {"seconds": self._total()}}

    def _total(self) -> float:
        return self.seconds + time.monotonic() - self._since
