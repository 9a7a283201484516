"""Supervised fine-tuning with TRL: cross-entropy of the completion's tokens, and soft labels if the recipe has them.

TRL 1.16 leaves prompt positions out of the projection to the vocabulary on GPUs only. Elsewhere it scores every
position, which was three quarters of a step for short answers and a vocabulary of 49,152; the trainer here does not.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.nn import functional
from trl import SFTConfig, SFTTrainer

from stillhouse.students.epoch_order import EpochSampler, lengths_of
from stillhouse.students.label_choices import IGNORE_INDEX
from stillhouse.students.soft_loss import SoftLabelLoss
from stillhouse.students.trainer_setup import trainer_options, training_arguments

if TYPE_CHECKING:
    from stillhouse.students.trainer_setup import TrainingJob


class TokenLoss(Protocol):
    """A loss of tokens, whose labels may be codes below IGNORE_INDEX."""

    def summed(self, logits_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        """Return the loss, summed over the tokens (nats)."""


def build_trainer(job: TrainingJob) -> CompletionTrainer:
    """Return the trainer, ready to run."""
    soft = job.training.soft_labels
    return completion_trainer(job, SoftLabelLoss(soft, job.choices) if soft else None)


def completion_trainer(job: TrainingJob, loss: TokenLoss | None) -> CompletionTrainer:
    """Return the trainer with a loss of its own for each token, or with cross-entropy."""
    options = trainer_options(job)
    return CompletionTrainer(loss=loss, args=sft_config(job), **options)


def sft_config(job: TrainingJob) -> SFTConfig:
    """Return TRL's arguments of a training on completions."""
    training = job.training
    return SFTConfig(
        **training_arguments(job),
        # the rows fit already; only packing needs the length
        max_length=training.max_length if training.packing else None,
        packing=training.packing,
        eval_packing=False,
        completion_only_loss=True,
    )


class CompletionTrainer(SFTTrainer):  # type: ignore[misc]  # TRL has no types in the control environment
    """Supervised fine-tuning whose cost does not grow with vocabulary times prompt length."""

    def __init__(self, *, loss: TokenLoss | None, **options: Any) -> None:
        """Take the loss of tokens that stands in place of cross-entropy, if there is one."""
        super().__init__(**options)
        self._loss = loss

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
        return EpochSampler(self, lengths_of(self.train_dataset if train_dataset is None else train_dataset))

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        # the main process writes the file that says that a checkpoint is whole
        self.accelerator.wait_for_everyone()

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of the labels, summed, over `num_items_in_batch` (default: over their number).

        It is their negative log-likelihood, or what the loss of tokens defines.
        """
        if return_outputs or not (self._loss or self._picks_positions(inputs["labels"].device)):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels_BT = inputs["labels"][:, 1:]
        # the columns in which any row of the batch has a label; the model's own forward projects just these
        columns_K = (labels_BT != IGNORE_INDEX).any(dim=0).nonzero().flatten()
        given = {name: value for name, value in inputs.items() if name != "labels"}
        kept = {"logits_to_keep": columns_K} if self._projects_columns() else {}
        routed = {"output_router_logits": True} if self.aux_loss_enabled else {}
        outputs = model(**given, use_cache=False, **kept, **routed)
        logits_BKV = outputs.logits if kept else outputs.logits[:, columns_K]
        labels_BK = labels_BT[:, columns_K]
        wanted = labels_BK != IGNORE_INDEX
        loss = self._summed(logits_BKV[wanted].float(), labels_BK[wanted])
        # of several processes' gradients the mean is taken, and `num_items_in_batch` counts the tokens of all
        loss = loss / (wanted.sum() if num_items_in_batch is None else num_items_in_batch / self.args.world_size)
        return loss + self._routing_loss(outputs, num_items_in_batch) if routed else loss

    def _summed(self, logits_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        if self._loss is None:
            return functional.cross_entropy(logits_NV, labels_N, reduction="sum")
        return self._loss.summed(logits_NV, labels_N)

    def _routing_loss(self, outputs: Any, num_items_in_batch: Any) -> torch.Tensor:
        """Return what a mixture of experts adds, as TRL does: a mean a batch, so an equal share of each in a step."""
        batches = 1 if num_items_in_batch is None else self.current_gradient_accumulation_steps
        routing: torch.Tensor = self.router_aux_loss_coef * outputs.aux_loss.mean() / batches
        return routing

    def _picks_positions(self, device: torch.device) -> bool:
        is_plain = device.type == "cpu" and not self.aux_loss_enabled
        return is_plain and self._projects_columns()

    def _projects_columns(self) -> bool:
        """Return whether the model can project some columns alone; several GPUs would share them out like rows."""
        if self.args.n_gpu > 1:
            return False
        return takes_positions(self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model)


def takes_positions(model: Any) -> bool:
    """Return whether a model's forward pass can be told at which positions to project to the vocabulary."""
    return "logits_to_keep" in inspect.signature(type(model).forward).parameters
