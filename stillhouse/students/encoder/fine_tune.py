"""Fine-tunes all weights of an encoder student with transformers' trainer.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import Trainer, TrainingArguments

from stillhouse.students.encoder.classifier import pad
from stillhouse.students.encoder.loss import label_loss
from stillhouse.students.epoch_order import EpochSampler, lengths_of
from stillhouse.students.train import run_trainer
from stillhouse.students.trainer_setup import callbacks_of, training_arguments

if TYPE_CHECKING:
    from stillhouse.recipe.training import SoftLabels
    from stillhouse.students.trainer_setup import TrainingJob


def fine_tune(job: TrainingJob) -> dict[str, Any]:
    """Train `job.model` in place, and return the summary; a killed training goes on from its newest checkpoint."""
    args = TrainingArguments(
        **training_arguments(job),
        # a model that is no class of transformers' does not say which of its inputs are targets
        label_names=["targets", "teacher"],
        remove_unused_columns=False,
        prediction_loss_only=True,
    )
    trainer = ClassifierTrainer(
        soft=job.training.soft_labels,
        model=job.model,
        args=args,
        data_collator=lambda rows: collate(job.tokenizer, rows),
        train_dataset=Dataset.from_list(job.rows),
        eval_dataset=Dataset.from_list(job.validation) if job.validation else None,
        processing_class=job.tokenizer,
        callbacks=callbacks_of(job, rate_field="encoder.learning_rate"),
    )
    _, summary = run_trainer(trainer, job)
    return summary


class ClassifierTrainer(Trainer):
    """A trainer whose loss is `label_loss`."""

    def __init__(self, *, soft: SoftLabels | None, **options: Any) -> None:
        """Take how the teacher's probabilities are learnt, if they are."""
        super().__init__(**options)
        self._soft = soft

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
        return EpochSampler(self, lengths_of(self.train_dataset if train_dataset is None else train_dataset))

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the mean loss of the batch's rows; with `return_outputs` the logits too."""
        given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        logits = model(**given).float()
        loss = label_loss(logits, inputs["targets"], inputs["teacher"], self._soft) / len(logits)
        return (loss, {"logits": logits}) if return_outputs else loss


def collate(tokenizer: Any, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Return a batch of rows {input_ids, targets, teacher}, padded to the longest."""
    return {
        **pad(tokenizer, [row["input_ids"] for row in rows]),
        "targets": torch.tensor([row["targets"] for row in rows]),
        "teacher": torch.tensor([row["teacher"] for row in rows], dtype=torch.float64),
    }
