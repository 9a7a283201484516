"""Supervised fine-tuning with TRL: loss on the completion only, resumed bit for bit after a kill.

Separate because it alone knows the trainer; imported in the engine environment only.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import EarlyStoppingCallback
from trl import SFTConfig

from stillhouse.recipe.student import Lora, Training
from stillhouse.students.callbacks import NEVER, Clock, Progress, Schedule
from stillhouse.students.checkpoints import drop_newer, last_complete
from stillhouse.students.loss import CompletionTrainer

if TYPE_CHECKING:
    from stillhouse.runtime.worker import Reporter

Rows = list[dict[str, list[int]]]
SHORT_ROW_TOKENS = 256


def train(
    model: Any, tokenizer: Any, rows: Rows, validation: Rows, training: Training, checkpoints: Path, report: Reporter
) -> tuple[Any, dict[str, Any]]:
    """Return (trained model, summary), going on from the newest whole checkpoint in `checkpoints`.

    With validation rows the model is the one with the least validation loss, otherwise the last. The trained model
    depends on rows, model, training and the number of threads only, not on how often the training was killed.
    """
    set_threads(training.execution.threads)
    trainer = build_trainer(model, tokenizer, rows, validation, training, checkpoints, report)
    # a checkpoint of the last step has nothing left to train, and the trainer would take one step too many on it
    resumed = last_complete(checkpoints, before_step=total_steps(trainer, training))
    drop_newer(checkpoints, resumed)
    if resumed:
        report.log(f"going on from {resumed.name}")
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    return trainer.model, _summary(trainer, training)


def build_trainer(
    model: Any, tokenizer: Any, rows: Rows, validation: Rows, training: Training, checkpoints: Path, report: Reporter
) -> CompletionTrainer:
    """Return TRL's trainer, ready to run."""
    _choose_attention(model, rows, training)
    callbacks: list[Any] = [Schedule(training, bool(validation)), Progress(report), Clock()]
    if validation and training.early_stopping_patience:
        callbacks.append(EarlyStoppingCallback(training.early_stopping_patience))
    return CompletionTrainer(
        model=model,
        args=_arguments(training, bool(validation), checkpoints),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(validation) if validation else None,
        processing_class=tokenizer,
        callbacks=callbacks,
        peft_config=_lora(training.lora) if training.method == "lora" else None,
    )


def set_threads(threads: int) -> None:
    """Let torch use `threads` cores (0: all that this process may run on), each run of a process alike."""
    torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
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


def total_steps(trainer: CompletionTrainer, training: Training) -> int:
    """Return the optimizer steps that the whole training takes, early stopping aside."""
    if training.max_steps:
        return training.max_steps
    args = trainer.args
    batches: int = math.ceil(len(trainer.train_dataset) / (args.per_device_train_batch_size * max(1, args.world_size)))
    an_epoch: int = max(1, math.ceil(batches / args.gradient_accumulation_steps))
    return math.ceil(training.epochs * an_epoch)


def _choose_attention(model: Any, rows: Rows, training: Training) -> None:
    longest = training.max_length if training.packing else max(len(row["input_ids"]) for row in rows)
    # torch's fused attention for CPUs spends a fifth of a step on its backward pass over short rows
    if _on_cpu(training) and longest <= SHORT_ROW_TOKENS:
        model.set_attn_implementation("eager")


def _arguments(training: Training, has_validation: bool, checkpoints: Path) -> SFTConfig:
    strategy = "steps" if has_validation else "no"
    return SFTConfig(
        output_dir=str(checkpoints),
        use_cpu=_on_cpu(training),
        num_train_epochs=training.epochs,
        max_steps=training.max_steps or -1,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup_ratio,
        lr_scheduler_type=training.scheduler,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=training.batch_size,
        gradient_accumulation_steps=training.gradient_accumulation,
        weight_decay=training.weight_decay,
        optim="adamw_torch_fused",
        bf16=training.precision == "bfloat16",
        # the rows that come here fit already; only packing needs the length
        max_length=training.max_length if training.packing else None,
        packing=training.packing,
        eval_packing=False,
        completion_only_loss=True,
        gradient_checkpointing=False,
        seed=training.seed,
        data_seed=training.seed,
        eval_strategy=strategy,
        eval_steps=NEVER,
        save_strategy="steps",
        save_steps=NEVER,
        save_total_limit=2,
        load_best_model_at_end=has_validation,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        restore_callback_states_from_checkpoint=True,
        include_num_input_tokens_seen="non_padding",
        # rows of like length share a batch: padding costs as much as text does
        train_sampling_strategy="group_by_length",
        logging_steps=1,
        disable_tqdm=True,
        report_to="none",
    )


def _on_cpu(training: Training) -> bool:
    device = training.execution.device
    return device == "cpu" or (device == "auto" and not torch.cuda.is_available())


def _lora(lora: Lora) -> LoraConfig:
    targets = lora.target_modules
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )


def _summary(trainer: CompletionTrainer, training: Training) -> dict[str, Any]:
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
    return {"step": entry["step"], "train_loss": entry["loss"], "learning_rate": entry["learning_rate"]}
