"""The loss of training on tokens drawn from the teacher. Imported in the engine environment only."""

# N: tokens that count; V: vocabulary; K: draws of a token

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from stillhouse.students.logits.records import records_of

if TYPE_CHECKING:
    from stillhouse.recipe.teaching.logits import LogitsSettings
    from stillhouse.students.logits.token_table import TokenTable


class DrawsLoss:
    """The loss of tokens of which draws x from the teacher's p_T are known, with their log p_T(x).

    p_T and q_T are the teacher's and the student's softmax of logits / T over the whole vocabulary. A token's loss is

        (1 - w) * hard + w * T^2 * mean of d(x) over its draws,    hard = -log q(token),

        forward_kl:         d = log p_T - log q_T
        skewed_forward_kl:  d = log p_T - log(skew * p_T + (1 - skew) * q_T)
        reverse_kl:         d = r log r - r + 1,    r = q_T / p_T

    whose means over draws from p_T are KL(p_T || q_T), KL(p_T || mixture) and KL(q_T || p_T), and whose gradients'
    means are theirs: the sum of p_T * (1 - r) is 0 whatever q_T is. Each d is 0 where both are equal. The last has
    much variance where the student likes what the teacher hardly ever draws.

    w = weight * share, times 1 - mean of p_T(x) if `by_certainty`: the chance that two draws differ, on average.
    Where nothing is known of a token, its loss is hard.

    Source: Anshumann et al., "Sparse Logit Sampling", arXiv:2503.16870, section 3; Schulman, "Approximating KL
    Divergence", 2020, for the last.
    """

    def __init__(self, settings: LogitsSettings, table: TokenTable) -> None:
        """Take the recipe's settings and the draws."""
        self._settings, self._table = settings, table

    def summed(self, logits_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        """Return the loss, summed over the tokens (nats); `labels_N` are codes or tokens, the logits 32 bits."""
        settings, known = self._settings, records_of(self._table, labels_N)
        whole_N = logits_NV.logsumexp(dim=1)
        hard_N = whole_N - logits_NV.gather(1, known.taken_N.unsqueeze(1)).squeeze(1)
        is_draw_NK = known.teacher_NK > -torch.inf
        teacher_NK = known.teacher_NK.masked_fill(~is_draw_NK, 0.0)
        heated_N = whole_N if settings.temperature == 1.0 else (logits_NV / settings.temperature).logsumexp(dim=1)
        student_NK = logits_NV.gather(1, known.ids_NK) / settings.temperature - heated_N.unsqueeze(1)
        num_draws_N = is_draw_NK.sum(dim=1)
        each_NK = self._of_draws(teacher_NK, student_NK).masked_fill(~is_draw_NK, 0.0)
        soft_N = settings.temperature**2 * each_NK.sum(dim=1) / num_draws_N
        weight_N = settings.weight * known.share_N
        if settings.by_certainty:
            certainty_N = teacher_NK.exp().masked_fill(~is_draw_NK, 0.0).sum(dim=1) / num_draws_N
            weight_N = weight_N * (1.0 - certainty_N)
        return ((1.0 - weight_N) * hard_N + weight_N * soft_N).sum()

    def _of_draws(self, teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
        """Return d of each draw; both sides are log-probabilities."""
        if self._settings.loss == "reverse_kl":
            ratio = student - teacher
            return ratio.exp() * (ratio - 1.0) + 1.0
        if self._settings.loss == "skewed_forward_kl":
            skew = self._settings.skew
            student = torch.logaddexp(teacher + math.log(skew), student + math.log1p(-skew))
        return teacher - student
