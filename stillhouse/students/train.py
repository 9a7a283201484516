"""One training run by any method: resumed bit for bit after a kill, and summed up.

Imported in the engine environment only.
"""

from __future__ import annotations

import importlib
import math
import os
from typing import TYPE_CHECKING, Any

import torch

from stillhouse.students.callbacks import Clock
from stillhouse.students.checkpoints import drop_newer, files_of, last_complete

if TYPE_CHECKING:
    from stillhouse.recipe.training import Training
    from stillhouse.students.trainer_setup import TrainingJob


GATHERED = "gathered"  # in the folder of checkpoints: a trained student whose weights were shared out


def train(job: TrainingJob) -> tuple[Any, dict[str, Any]]:
    """Return (trained model, summary), going on from the newest whole checkpoint in `job.checkpoints`.

    With validation rows the model is the one with the least validation loss, otherwise the last. The trained model
    depends on rows, model, training and the number of threads only, not on how often the training was killed.
    """
    set_threads(job.training.execution.threads, job.training.execution.processes)
    return run_trainer(build_trainer(job), job)


def run_trainer(trainer: Any, job: TrainingJob) -> tuple[Any, dict[str, Any]]:
    """Return (trained model, summary) of a trainer that is ready to run, going on from `job.checkpoints`."""
    # a checkpoint of the last step has nothing left to train, and the trainer would take one step too many on it
    execution = job.training.execution
    files = files_of(execution.processes, execution.sharding)
    resumed = last_complete(job.checkpoints, total_steps(trainer, job.training), files)
    # every process has found the same one before the main one deletes
    trainer.accelerator.wait_for_everyone()
    if trainer.accelerator.is_main_process:
        drop_newer(job.checkpoints, resumed)
    trainer.accelerator.wait_for_everyone()
    if resumed:
        job.report.log(f"going on from {resumed.name}")
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if execution.sharding != "none":
        # no process holds the whole student
        trainer.save_model(str(job.checkpoints / GATHERED))
    trainer.accelerator.wait_for_everyone()
    return trainer.model, _summary(trainer, job.training)


def build_trainer(job: TrainingJob) -> Any:
    """Return the trainer of the recipe's `training.kind`, ready to run; its module has that name in trainers/."""
    module = importlib.import_module(f"stillhouse.students.trainers.{job.training.kind}")
    return module.build_trainer(job)


def set_threads(threads: int, processes: int = 1) -> None:
    """Let torch use `threads` cores in each process (0: its share of all), each run of a process alike."""
    torch.set_num_threads(threads or max(1, len(os.sched_getaffinity(0)) // processes))
    _call_vector_math_once()


def _call_vector_math_once() -> None:
    """Call the vector functions of torch's math library on one number each, in this thread alone.

    The library (MKL) chooses their code at the first call. Where two threads made that call at once, as they do for the
    cosines of the first batch, about one process in a thousand got one thread's share off by 1.5e-4, once: another
    student from the same rows.
    """
    number = torch.ones(1)
    for function in (torch.cos, torch.sin, torch.exp, torch.log, torch.tanh, torch.erf):
        function(number)


def total_steps(trainer: Any, training: Training) -> int:
    """Return the optimizer steps of the whole training without early stopping."""
    if training.max_steps:
        return training.max_steps
    args = trainer.args
    rows = len(trainer._get_train_sampler())
    batches: int = math.ceil(rows / (args.per_device_train_batch_size * max(1, args.world_size)))
    steps_per_epoch: int = max(1, math.ceil(batches / args.gradient_accumulation_steps))
    return math.ceil(training.epochs * steps_per_epoch)


def _summary(trainer: Any, training: Training) -> dict[str, Any]:
    state = trainer.state
    history = [_point(entry) for entry in state.log_history if "loss" in entry or "eval_loss" in entry]
    train_losses = [point["train_loss"] for point in history if "train_loss" in point]
    clock = next(callback for callback in trainer.callback_handler.callbacks if isinstance(callback, Clock))
    return {
        "method": training.method,
        "steps": state.global_step,
        "best_step": state.best_global_step or state.global_step,
        "tokens": int(state.num_input_tokens_seen),
        "seconds": clock.seconds,
        "train_loss": sum(train_losses) / len(train_losses),
        "validation_loss": state.best_metric,
        "history": history,
    }


def _point(entry: dict[str, Any]) -> dict[str, Any]:
    if "eval_loss" in entry:
        return {"step": entry["step"], "validation_loss": entry["eval_loss"]}
    point = {"step": entry["step"], "train_loss": entry["loss"], "learning_rate": entry["learning_rate"]}
    # of the methods that compare layers: its mean before it is weighted
    return point | {name: entry[name] for name in ("matching_loss",) if name in entry}
