"""What training on the teacher's probabilities of the labels adds to the loss of the answer's tokens.

Imported in the engine environment only.
"""

# N: tokens that count; V: vocabulary; C: choices of the table; B: branches of the widest choice

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from stillhouse.students.label_choices import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillhouse.recipe.training import SoftLabels
    from stillhouse.students.label_choices import Choice

_NONE = -1  # in the table, no branch


class SoftLabelLoss:
    """The loss of label choices, for rows whose `labels` point into a table of them (`ChoiceTable`).

    The loss of a token that counts is (1 - weight) * hard + weight * soft, with hard = -log q(token), q being the
    student's probability among all tokens. Where the answer chooses among the branches S of the labels' tree, of which
    the teacher takes b for as probable as p(b),

        soft = -log q(S) + T^2 * KL(p_T || q_T),    q(S) = sum of q(b) over S,
        p_T(b) = p(b)^(1/T) / sum of p^(1/T),       q_T(b) = q(b)^(1/T) / sum of q^(1/T), over S,

    and soft = hard where no other token can follow. At T = 1 this is the forward KL of the teacher's next token, which
    never is one outside of S, from the student's among all tokens: at any weight the student learns to write labels and
    nothing else. The temperature softens the choice among labels alone, on both sides alike, so that at any T the loss
    is least where q(b) / q(S) = p(b). Gradients of the softened choice shrink by 1 / T^2, hence its factor.

    Forks beside the answer's path are not seen, and none is weighed by its probability: on answers drawn from p the sum
    over the path is in expectation the KL of whole labels, by the chain rule. One forward pass is enough for it.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv:1503.02531, section 2.
    """

    def __init__(self, soft: SoftLabels, choices: Sequence[Choice]) -> None:
        """Lay the table out as tensors."""
        self._weight, self._temperature = soft.weight, soft.temperature
        widest = max((len(choice.branches) for choice in choices), default=1)
        self._branches_CB = _padded([choice.branches for choice in choices], widest, _NONE, torch.long)
        self._teacher_CB = _padded([choice.probabilities for choice in choices], widest, 0.0, torch.float64)
        self._taken_C = torch.tensor([choice.taken for choice in choices], dtype=torch.long)

    def summed(self, logits_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        """Return the loss, summed over the tokens (nats); `labels_N` are codes or tokens."""
        hard = functional.cross_entropy(logits_NV, self.tokens(labels_N), reduction="sum")
        return hard + self.added(logits_NV, labels_N)

    def tokens(self, labels: torch.Tensor) -> torch.Tensor:
        """Return `labels` with the token that the answer takes in place of each code of a choice."""
        makes_choice = labels < IGNORE_INDEX
        rows = self._rows(labels[makes_choice])
        found = labels.clone()
        found[makes_choice] = self._branches_CB[rows, self._taken_C[rows]].to(labels.device)
        return found

    def added(self, logits_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        """Return weight * (soft - hard), summed over the tokens (nats); `labels_N` are codes or tokens."""
        makes_choice = labels_N < IGNORE_INDEX
        rows = self._rows(labels_N[makes_choice])
        branches = self._branches_CB[rows].to(logits_NV.device)
        teacher = self._teacher_CB[rows].to(logits_NV.device)
        taken = self._taken_C[rows].to(logits_NV.device)
        chosen = logits_NV[makes_choice].gather(1, branches.clamp(min=0)).masked_fill(branches == _NONE, -torch.inf)
        softened = self._temperature**2 * forward_kl(teacher, chosen, self._temperature)
        # hard = -log q(S) - log(q(taken) / q(S)), so that soft - hard keeps the choice alone
        return self._weight * (softened - functional.cross_entropy(chosen, taken, reduction="sum"))

    def _rows(self, codes: torch.Tensor) -> torch.Tensor:
        return (IGNORE_INDEX - 1 - codes).cpu()


def forward_kl(teacher_CB: torch.Tensor, logits_CB: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return KL(teacher || student) of softened distributions, summed over C (nats); a logit of -inf is no branch.

    The teacher's are probabilities in float64, of 0 where there is no branch; the student's are logits.
    """
    softened = teacher_CB ** (1.0 / temperature)
    target = softened / softened.sum(dim=1, keepdim=True)
    entropy = torch.special.entr(target).sum()
    student = functional.log_softmax(logits_CB / temperature, dim=1)
    # a branch of probability 0 adds nothing, whatever its logit
    crossed = target.to(student.dtype) * student.masked_fill(target == 0, 0.0)
    return -crossed.sum() - entropy.to(student.dtype)


def _padded(rows: Sequence[Sequence[float]], width: int, fill: float, dtype: torch.dtype) -> torch.Tensor:
    table = [[*row, *[fill] * (width - len(row))] for row in rows]
    return torch.tensor(table, dtype=dtype).reshape(len(rows), width)
