"""How alike the vectors of two tokens are, and how far that is from another model's: MiniLMv2's attention relations.

Imported in the engine environment only.
"""

# B: rows; T, S: tokens of a row; W: width of all heads together; H: relation heads

from __future__ import annotations

import math

import torch
from torch.nn import functional

_NOTHING = -1e9  # as a score; its probability is 0, and it is finite, so that 0 times its logarithm is too


def log_relations(vectors_BTW: torch.Tensor, heads: int, visible_BTS: torch.Tensor) -> torch.Tensor:
    """Return log softmax over S of v_t v_s / sqrt(W / heads), for each relation head, as (B, H, T, S).

    The vectors of all heads together are split into `heads` parts, whatever the number of the model's own heads: so
    models with other widths, other numbers of heads or shared keys and values are compared. S runs over the tokens
    that are `visible` to t.

    Source: Wang et al., arXiv:2012.15828, equation 6 and section 3.1; here with a causal model's mask.
    """
    rows, length, width = vectors_BTW.shape
    parts = vectors_BTW.reshape(rows, length, heads, width // heads).transpose(1, 2)
    scores = parts @ parts.transpose(2, 3) / math.sqrt(width // heads)
    return functional.log_softmax(scores.masked_fill(~visible_BTS[:, None], _NOTHING), dim=-1)


def relation_loss(student_BHTS: torch.Tensor, source_BHTS: torch.Tensor, counts_BT: torch.Tensor) -> torch.Tensor:
    """Return KL(source || student) of log relations, mean over heads and summed over the tokens that count (nats).

    Source: Wang et al., arXiv:2012.15828, equations 4 and 5, whose mean over tokens the trainer takes.
    """
    divergence_BHT = (source_BHTS.exp() * (source_BHTS - student_BHTS)).sum(dim=-1)
    return divergence_BHT.mean(dim=1)[counts_BT].sum()


def visible_tokens(attention_BT: torch.Tensor) -> torch.Tensor:
    """Return which tokens S each token T of a causal model sees: itself, and those before it that are no padding."""
    length = attention_BT.shape[1]
    before_TS = torch.ones(length, length, dtype=torch.bool, device=attention_BT.device).tril()
    itself_TS = torch.eye(length, dtype=torch.bool, device=attention_BT.device)
    return (before_TS & attention_BT[:, None, :].bool()) | itself_TS
