"""What a training method gets, and what every method hands its trainer: arguments, callbacks, LoRA.

Imported in the engine environment only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import EarlyStoppingCallback

from stillhouse.recipe.processes import share_of_batch
from stillhouse.students.callbacks import NEVER, Clock, Progress, Schedule
from stillhouse.students.divergence import DivergenceGuard
from stillhouse.students.epoch_order import EpochOrder, lengths_of, with_blank_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillhouse.recipe.training import Training
    from stillhouse.runtime.worker import Reporter
    from stillhouse.students.label_choices import Choice
    from stillhouse.students.logits.token_table import TokenTable
    from stillhouse.students.spec import TeacherServer, TeacherWeights
    from stillhouse.students.tokens import Rows

SHORT_ROW_TOKENS = 256
# transformers' names
_OPTIMIZERS = {
    "adamw": "adamw_torch_fused",
    "adamw_8bit": "adamw_bnb_8bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
}


@dataclass(frozen=True)
class TrainingJob:
    """One training run: the untrained student, its rows as token ids, and the recipe's training section."""

    model: Any
    tokenizer: Any
    rows: Rows
    validation: Rows  # empty: train without validation
    training: Training
    checkpoints: Path
    report: Reporter
    choices: Sequence[Choice] = ()  # that `labels` of the rows point to
    teacher_tokens: TokenTable | None = None  # that `labels` of the rows point to, with kind: logits
    teacher: TeacherWeights | None = None  # of the methods that compute with another model's weights
    teacher_server: TeacherServer | None = None  # of the methods that ask one


def trainer_options(job: TrainingJob) -> dict[str, Any]:
    """Return the trainer's keyword arguments but `args`, which is of the method's own type."""
    rows = as_dataset(job.rows)
    _choose_attention(job, rows)
    return {
        "model": job.model,
        "train_dataset": with_blank_row(rows) if job.training.execution.processes > 1 else rows,
        "eval_dataset": as_dataset(job.validation) if job.validation else None,
        "processing_class": job.tokenizer,
        "callbacks": callbacks_of(job),
        "peft_config": _lora(job),
    }


def as_dataset(rows: Rows) -> Dataset:
    """Return rows that lie in memory as a dataset; one over a file is returned as it is."""
    return rows if isinstance(rows, Dataset) else Dataset.from_list(list(rows))


def callbacks_of(job: TrainingJob, **guard: str) -> list[Any]:
    """Return what every training has: when to validate, save and stop, progress, and a clock.

    `guard` is what `DivergenceGuard` takes beside the settings.
    """
    schedule = Schedule(job.training, bool(job.validation))
    callbacks: list[Any] = [
        schedule,
        DivergenceGuard(job.training, **guard),
        Progress(job.report),
        Clock(),
        EpochOrder(),
    ]
    if job.validation and job.training.early_stopping_patience:
        callbacks.append(EarlyStoppingCallback(job.training.early_stopping_patience))
    return callbacks


def training_arguments(job: TrainingJob) -> dict[str, Any]:
    """Return the fields of transformers' TrainingArguments that the recipe and this program decide."""
    training = job.training
    share = share_of_batch(training)
    assert share is not None, "refused before work"
    return {
        "output_dir": str(job.checkpoints),
        "use_cpu": _on_cpu(training),
        "num_train_epochs": training.epochs,
        "max_steps": training.max_steps or -1,
        "learning_rate": training.learning_rate,
        "warmup_steps": training.warmup_ratio,
        "lr_scheduler_type": training.scheduler,
        "per_device_train_batch_size": share[0],
        "per_device_eval_batch_size": training.batch_size,
        "gradient_accumulation_steps": share[1],
        "weight_decay": training.weight_decay,
        "optim": _OPTIMIZERS[training.optimizer],
        "bf16": training.precision == "bfloat16",
        "gradient_checkpointing": bool(training.execution.gradient_checkpointing),
        "use_liger_kernel": training.execution.kernels == "liger",
        "seed": training.seed,
        "data_seed": training.seed,
        "eval_strategy": "steps" if job.validation else "no",
        "eval_steps": NEVER,
        "save_strategy": "steps",
        "save_steps": NEVER,
        "save_total_limit": 2,
        "load_best_model_at_end": bool(job.validation),
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "restore_callback_states_from_checkpoint": True,
        "include_num_input_tokens_seen": "non_padding",
        # rows of like length share a batch: padding costs as much as text does
        "train_sampling_strategy": "group_by_length",
        "logging_steps": 1,
        # the trainer would log the mean of the steps before in place of NaN
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": "none",
    }


def _choose_attention(job: TrainingJob, rows: Dataset) -> None:
    training = job.training
    longest = training.max_length if training.packing else max(lengths_of(rows))
    # torch's fused attention for CPUs spends a fifth of a step on its backward pass over short rows
    if _on_cpu(training) and longest <= SHORT_ROW_TOKENS:
        job.model.set_attn_implementation("eager")


def _on_cpu(training: Training) -> bool:
    device = training.execution.device
    return device == "cpu" or (device == "auto" and not torch.cuda.is_available())


def _lora(job: TrainingJob) -> LoraConfig | None:
    if not job.training.has_adapter:
        return None
    lora = job.training.lora
    named = lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules)
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=_in_language_model(job.model) if named == "all-linear" else named,
        task_type="CAUSAL_LM",
    )


def _in_language_model(model: Any) -> str | list[str]:
    """Return what LoRA takes for every linear layer; of a model that sees, of its language model alone."""
    if model.config.get_text_config() is model.config:
        return "all-linear"
    decoder = model.get_decoder()
    inside = {id(module) for module in decoder.modules() if isinstance(module, torch.nn.Linear)}
    return [name for name, module in model.named_modules() if id(module) in inside]
