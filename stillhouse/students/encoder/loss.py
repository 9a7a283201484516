"""The loss of a classifier: cross-entropy of the labels, mixed with the teacher's probabilities of them.

Imported in the engine environment only.
"""

# B: rows of a batch; L: labels

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from stillhouse.students.soft_loss import forward_kl

if TYPE_CHECKING:
    import torch

    from stillhouse.recipe.training import SoftLabels


def label_loss(
    logits_BL: torch.Tensor, targets_B: torch.Tensor, teacher_BL: torch.Tensor, soft: SoftLabels | None
) -> torch.Tensor:
    """Return the loss of a batch, summed over its rows (nats).

    A row has -log q(target), q being the softmax of its logits. With soft labels, a row whose `teacher` (float64) is
    not 0 throughout has

        (1 - weight) * -log q(target) + weight * T^2 * KL(p_T || q_T),

    where p_T and q_T are the teacher's and the student's probabilities to the power of 1/T, with a sum of 1.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv:1503.02531, section 2.
    """
    hard = functional.cross_entropy(logits_BL, targets_B, reduction="sum")
    is_taught = teacher_BL.sum(dim=1) > 0
    if soft is None or not soft.weight or not is_taught.any():
        return hard
    logits, teacher = logits_BL[is_taught], teacher_BL[is_taught]
    softened = soft.temperature**2 * forward_kl(teacher, logits, soft.temperature)
    return hard + soft.weight * (softened - functional.cross_entropy(logits, targets_B[is_taught], reduction="sum"))
