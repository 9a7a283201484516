"""Compares hidden states layer by layer, through a learnt projection where widths differ.

Imported in the engine environment only.
"""

# B: rows; T: tokens; N: tokens that count; D: width

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from stillhouse.students.layer_matching.capture import Capture
from stillhouse.students.layer_matching.decoder import decoder_layers, text_config, without_adapter
from stillhouse.students.layer_matching.layer_map import layer_pairs
from stillhouse.students.layer_matching.state_loss import state_loss

if TYPE_CHECKING:
    from stillhouse.recipe.training import Training

_EMBEDDINGS = "embeddings"


class HiddenStateMatching:
    """The mean over pairs of layers of `state_loss` of what the layers give, before the model's last norm.

    A student's state is projected to the other's width first, by a matrix for each pair, without bias (TinyBERT's
    W_h). The matrices are learnt with the student.
    """

    def __init__(self, training: Training, student: Any, source: Any) -> None:
        """Watch the layers of both models.

        Raises:
            ModelError: the layers can't be found, or `training.hidden_states.layers` does not fit them.
        """
        settings = training.hidden_states
        layers, theirs = decoder_layers(student), decoder_layers(source)
        pairs = {
            f"layer_{own}": (layers[own], theirs[other])
            for own, other in layer_pairs(training, len(layers), len(theirs))
        }
        widths = {name: (text_config(student).hidden_size, text_config(source).hidden_size) for name in pairs}
        if settings.embeddings:
            both = tuple(without_adapter(model).get_input_embeddings() for model in (student, source))
            pairs[_EMBEDDINGS] = both
            widths[_EMBEDDINGS] = tuple(embedding.weight.shape[1] for embedding in both)
        self.student = Capture({name: own for name, (own, _) in pairs.items()})
        self.source = Capture({name: other for name, (_, other) in pairs.items()})
        self.projections = _projections(widths, training.seed)
        self._loss = settings.loss

    def summed(self, attention_BT: torch.Tensor, counts_BT: torch.Tensor) -> torch.Tensor:
        """Return the mean over pairs of layers, summed over the tokens that count."""
        return torch.stack([self._distance(name, counts_BT) for name in self.student.taken]).mean()

    def _distance(self, name: str, counts_BT: torch.Tensor) -> torch.Tensor:
        student_ND = self.student.taken[name][counts_BT].float()
        if name in self.projections:
            student_ND = self.projections[name](student_ND)
        return state_loss(student_ND, self.source.taken[name][counts_BT].float(), self._loss)


def _projections(widths: dict[str, tuple[int, int]], seed: int) -> nn.ModuleDict:
    """Return a projection for each pair of unequal widths; with its own random numbers, so that no others change."""
    chance = torch.Generator().manual_seed(seed)
    made = nn.ModuleDict()
    for name, (own, other) in widths.items():
        if own != other:
            made[name] = nn.Linear(own, other, bias=False, dtype=torch.float32)
            nn.init.normal_(made[name].weight, std=1.0 / math.sqrt(own), generator=chance)
    return made
