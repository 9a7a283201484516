"""Logistic regression on the vectors of a frozen encoder, which learns the teacher's probabilities too.

scikit-learn's takes a single label a row; without soft labels both find the same weights.
Imported in the engine environment only.
"""

# N: rows; D: dimensions; L: labels

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold

from stillhouse.students.encoder.loss import label_loss

if TYPE_CHECKING:
    from stillhouse.recipe.training import SoftLabels

# inverse strengths of regularisation, half a decade apart
STRENGTHS = tuple(float(c) for c in np.logspace(-1, 3, 9))
STRENGTH_UNTRIED = 10.0
_FOLDS = 5
# rows to choose on: all are learnt from, but 45 fits to many thousands would take an hour
_MOST_TO_CHOOSE_ON = 2000


class Vectors(NamedTuple):
    """Vectors with the label of each, and the teacher's probabilities."""

    vectors_ND: torch.Tensor
    targets_N: torch.Tensor
    teacher_NL: torch.Tensor

    def at(self, places: np.ndarray) -> Vectors:
        """Return those at the places."""
        chosen = torch.from_numpy(places)
        return Vectors(self.vectors_ND[chosen], self.targets_N[chosen], self.teacher_NL[chosen])


class Head(NamedTuple):
    """A linear layer, and the loss that it was fitted to."""

    weight_LD: torch.Tensor
    bias_L: torch.Tensor
    loss: float  # mean over the rows, without the regularisation
    steps: int  # of the optimiser


def fit_head(rows: Vectors, soft: SoftLabels | None, strength: float, start: Head | None = None) -> Head:
    """Return the layer with the least sum of the rows' `label_loss` + |weight|^2 / (2 * strength), found by L-BFGS."""
    vectors, num_labels = rows.vectors_ND.double(), rows.teacher_NL.shape[1]
    weight = start.weight_LD.clone() if start else torch.zeros(num_labels, vectors.shape[1], dtype=torch.float64)
    bias = start.bias_L.clone() if start else torch.zeros(num_labels, dtype=torch.float64)
    optimizer = torch.optim.LBFGS(
        [weight.requires_grad_(), bias.requires_grad_()],
        max_iter=1000,
        tolerance_grad=1e-6,
        tolerance_change=1e-10,
        line_search_fn="strong_wolfe",
    )

    def evaluate() -> torch.Tensor:
        optimizer.zero_grad()
        loss = label_loss(vectors @ weight.T + bias, rows.targets_N, rows.teacher_NL, soft) + _penalty(weight, strength)
        loss.backward()
        return loss

    optimizer.step(evaluate)
    with torch.no_grad():
        loss = label_loss(vectors @ weight.T + bias, rows.targets_N, rows.teacher_NL, soft) / len(vectors)
    steps = int(optimizer.state[weight]["n_iter"])
    return Head(weight.detach(), bias.detach(), float(loss), steps)


def choose_strength(rows: Vectors, soft: SoftLabels | None, seed: int) -> float:
    """Return the strength with the best accuracy in stratified cross-validation, of equals the least.

    Right is what the rows are labelled with. It is 10 if no label has two rows.
    """
    targets = rows.targets_N.numpy()
    counts = Counter(targets.tolist())
    several = np.asarray([place for place, label in enumerate(targets.tolist()) if counts[label] > 1], dtype=np.int64)
    if not several.size or len(set(targets[several])) < 2:
        return STRENGTH_UNTRIED
    if several.size > _MOST_TO_CHOOSE_ON:
        several = np.random.default_rng(seed).choice(several, _MOST_TO_CHOOSE_ON, replace=False)
    folds = StratifiedKFold(
        min(_FOLDS, max(Counter(targets[several].tolist()).values())), shuffle=True, random_state=seed
    )
    right = dict.fromkeys(STRENGTHS, 0)
    for learnt, held_out in folds.split(several, targets[several]):
        head = None
        for strength in STRENGTHS:  # each begins where the one before it ended
            head = fit_head(rows.at(several[learnt]), soft, strength, head)
            right[strength] += _num_right(head, rows.at(several[held_out]))
    return max(STRENGTHS, key=lambda strength: right[strength])


def _num_right(head: Head, rows: Vectors) -> int:
    answers = (rows.vectors_ND.double() @ head.weight_LD.T + head.bias_L).argmax(dim=1)
    return int((answers == rows.targets_N).sum())


def _penalty(weight: torch.Tensor, strength: float) -> torch.Tensor:
    return weight.square().sum() / (2 * strength)
