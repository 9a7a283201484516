"""The forward KL from another model's next token to the student's, of logits that lie in memory only.

Imported in the engine environment only.
"""

# N: tokens; V: vocabulary

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    import torch


def next_token_kl(student_NV: torch.Tensor, source_NV: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return T^2 KL(source || student) of both models' next tokens, softened by T and summed over N (nats).

    Models of one family pad their vocabularies to different sizes: the numbers behind the shorter one belong to no
    token, and are left out.

    Source: Hinton et al., arXiv:1503.02531, section 2.
    """
    tokens = min(student_NV.shape[1], source_NV.shape[1])
    student = functional.log_softmax(student_NV[:, :tokens] / temperature, dim=-1)
    source = functional.log_softmax(source_NV[:, :tokens] / temperature, dim=-1)
    return temperature**2 * functional.kl_div(student, source, reduction="sum", log_target=True)
