"""The loss of training on a teacher's stored log-probabilities. Imported in the engine environment only."""

# N: tokens that count; V: vocabulary; K: stored numbers of a token; B: buckets, K and one for all other tokens

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from stillhouse.students.logits.records import records_of

if TYPE_CHECKING:
    from stillhouse.recipe.teaching.logits import LogitsSettings
    from stillhouse.students.logits.token_table import TokenTable

# stands for -inf where its gradient would be no number
_NOTHING = -1e9
# a tail of less is the rounding of 32 bits, and none
_LEAST_TAIL = 1e-6


class LogitsLoss:
    """The loss of tokens of which the teacher's numbers are known, for rows whose `labels` point into a `TokenTable`.

    S are the tokens with a number; all others are one bucket, the tail, with the rest of the mass on both sides:
    p(tail) = 1 - sum of p over S, and q(tail) likewise, q being the student's probabilities. A token's loss is

        (1 - w) * hard + w * T^2 * D(p_T, q_T),    hard = -log q(token),

    with p_T, q_T the buckets' p and q to the power of 1/T, with a sum of 1. D is one of

        forward_kl:         KL(p_T || q_T)
        skewed_forward_kl:  KL(p_T || skew * p_T + (1 - skew) * q_T)

    w = weight * share, times 1 - sum of p^2 over S if `by_certainty`: the chance that two draws of the teacher differ.
    Where nothing is known of a token, its loss is hard.

    Merging tokens into a bucket never raises a KL, so D is at most that of the whole vocabulary, and equal to it at
    K = V, or where both sides split the tail alike. It is least, 0, wherever the buckets are equal.

    Source: Ko et al., "DistiLLM", arXiv:2402.03898, equation 3; Hinton et al., arXiv:1503.02531, for T.
    """

    def __init__(self, settings: LogitsSettings, table: TokenTable) -> None:
        """Take the recipe's settings and the numbers."""
        self._settings, self._table = settings, table

    def summed(self, logits_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        """Return the loss, summed over the tokens (nats); `labels_N` are codes or tokens, the logits 32 bits."""
        taken_N, share_N, ids_NK, teacher_NK = records_of(self._table, labels_N)
        student_NB, whole_N = bucket_logprobs(logits_NV, ids_NK, teacher_NK)
        hard_N = whole_N - logits_NV.gather(1, taken_N.unsqueeze(1)).squeeze(1)
        weight_N = self._settings.weight * share_N
        if self._settings.by_certainty:
            weight_N = weight_N * (1.0 - (2.0 * teacher_NK).exp().sum(dim=1)).clamp(min=0.0)
        soft_N = self._divergence(with_tail(teacher_NK), student_NB)
        return ((1.0 - weight_N) * hard_N + weight_N * soft_N).sum()

    def _divergence(self, teacher_NB: torch.Tensor, student_NB: torch.Tensor) -> torch.Tensor:
        temperature = self._settings.temperature
        teacher = functional.log_softmax(teacher_NB / temperature, dim=1)
        student = functional.log_softmax(student_NB / temperature, dim=1)
        if self._settings.loss == "skewed_forward_kl":
            skew = self._settings.skew
            student = torch.logaddexp(teacher + math.log(skew), student + math.log1p(-skew))
        return temperature**2 * forward_kl(teacher, student)


def bucket_logprobs(
    logits_NV: torch.Tensor, ids_NK: torch.Tensor, teacher_NK: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the student's log-probabilities of the buckets [N, B], and the logarithm of its softmax's divisor [N].

    Where `teacher_NK` is -inf there is no bucket, and the id is one that has one. The vocabulary is gone over once.
    """
    known_NK = logits_NV.gather(1, ids_NK).masked_fill(teacher_NK == -torch.inf, _NOTHING)
    tail_N = logits_NV.scatter(1, ids_NK, _NOTHING).logsumexp(dim=1)
    whole_N = torch.logaddexp(known_NK.logsumexp(dim=1), tail_N)
    return torch.cat([known_NK, tail_N.unsqueeze(1)], dim=1) - whole_N.unsqueeze(1), whole_N


def with_tail(teacher_NK: torch.Tensor) -> torch.Tensor:
    """Return the teacher's log-probabilities with that of all other tokens behind them [N, B]; -inf: no such tail."""
    rest = 1.0 - teacher_NK.double().exp().sum(dim=1, keepdim=True)
    tail = torch.where(rest > _LEAST_TAIL, rest, 0.0).log()
    return torch.cat([teacher_NK, tail.to(teacher_NK.dtype)], dim=1)


def forward_kl(teacher_NB: torch.Tensor, student_NB: torch.Tensor) -> torch.Tensor:
    """Return KL(teacher || student) of log-probabilities, a number a row [N] (nats); -inf adds nothing."""
    is_there = teacher_NB > -torch.inf
    # both sides are masked before they are taken apart: -inf less anything has no gradient
    difference = teacher_NB.masked_fill(~is_there, 0.0) - student_NB.masked_fill(~is_there, 0.0)
    return (teacher_NB.exp() * difference).sum(dim=1)
