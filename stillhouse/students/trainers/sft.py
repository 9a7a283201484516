"""Supervised fine-tuning with TRL: cross-entropy of the completion's tokens.

TRL 1.16 leaves prompt positions out of the projection to the vocabulary on GPUs only. Elsewhere it scores every
position, which was three quarters of a step for short answers and a vocabulary of 49,152; the trainer here does not.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from trl import SFTConfig, SFTTrainer

from stillhouse.students.trainer_setup import trainer_options, training_arguments

if TYPE_CHECKING:
    from stillhouse.students.trainer_setup import TrainingJob

IGNORE_INDEX = -100


def build_trainer(job: TrainingJob) -> CompletionTrainer:
    """Return the trainer, ready to run."""
    training = job.training
    options = trainer_options(job)
    args = SFTConfig(
        **training_arguments(job),
        # the rows fit already; only packing needs the length
        max_length=training.max_length if training.packing else None,
        packing=training.packing,
        eval_packing=False,
        completion_only_loss=True,
    )
    return CompletionTrainer(args=args, **options)


class CompletionTrainer(SFTTrainer):  # type: ignore[misc]  # TRL has no types in the control environment
    """Supervised fine-tuning whose cost does not grow with vocabulary times prompt length."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the negative log-likelihood of the labels, summed, over `num_items_in_batch` (default: over them)."""
        if return_outputs or not self._picks_positions(inputs["labels"].device):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels_BT = inputs["labels"][:, 1:]
        # the columns in which any row of the batch has a label; the model's own forward projects just these
        columns_K = (labels_BT != IGNORE_INDEX).any(dim=0).nonzero().flatten()
        given = {name: value for name, value in inputs.items() if name != "labels"}
        logits_BKV = model(**given, use_cache=False, logits_to_keep=columns_K).logits
        labels_BK = labels_BT[:, columns_K]
        wanted = labels_BK != IGNORE_INDEX
        loss = functional.cross_entropy(logits_BKV[wanted].float(), labels_BK[wanted], reduction="sum")
        return loss / (wanted.sum() if num_items_in_batch is None else num_items_in_batch)

    def _picks_positions(self, device: torch.device) -> bool:
        if device.type != "cpu" or self.args.world_size > 1 or self.aux_loss_enabled:
            return False
        base = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        return "logits_to_keep" in inspect.signature(type(base).forward).parameters
