"""Compares the attention relations of layers: MiniLMv2 for causal models of any widths.

Imported in the engine environment only.
"""

# B: rows; T: tokens

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from stillhouse.students.layer_matching.capture import Capture
from stillhouse.students.layer_matching.decoder import decoder_layers, text_config
from stillhouse.students.layer_matching.heads import relation_heads
from stillhouse.students.layer_matching.layer_map import layer_pairs
from stillhouse.students.layer_matching.relations import log_relations, relation_loss, visible_tokens
from stillhouse.students.layer_matching.vectors import VectorSource, find_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stillhouse.recipe.training import Training


class AttentionMatching:
    """The mean over pairs of layers of the sum over relations of `relation_loss`; needs no projections."""

    def __init__(self, training: Training, student: Any, source: Any) -> None:
        """Watch what computes queries, keys and values in the layers of both models.

        Raises:
            ModelError: a model's family is not known, `training.attention.layers` does not fit the models, or
                `relation_heads` does not divide their widths.
        """
        settings = training.attention
        layers, theirs = decoder_layers(student), decoder_layers(source)
        pairs = layer_pairs(training, len(layers), len(theirs))
        self._of_student = {str(own): find_vectors(layers[own], text_config(student)) for own, _ in pairs}
        self._of_source = {str(own): find_vectors(theirs[other], text_config(source)) for own, other in pairs}
        found = [*self._of_student.values(), *self._of_source.values()]
        widths = {vectors.widths[relation] for vectors in found for relation in settings.relations}
        self._heads = relation_heads(widths, settings.relation_heads)
        self._relations = settings.relations
        self.student = Capture(_modules(self._of_student))
        self.source = Capture(_modules(self._of_source))
        self.projections = nn.ModuleDict()

    def summed(self, attention_BT: torch.Tensor, counts_BT: torch.Tensor) -> torch.Tensor:
        """Return the mean over pairs of layers of the relations' sum, summed over the tokens that count (nats)."""
        visible_BTS = visible_tokens(attention_BT)
        distances = []
        for layer, own in self._of_student.items():
            ours = own.split(_taken(self.student, layer, own))
            theirs = self._of_source[layer].split(_taken(self.source, layer, self._of_source[layer]))
            for relation in self._relations:
                student, source = (
                    log_relations(one[relation].float(), self._heads, visible_BTS) for one in (ours, theirs)
                )
                distances.append(relation_loss(student, source, counts_BT))
        return torch.stack(distances).sum() / len(self._of_student)


def _modules(found: Mapping[str, VectorSource]) -> dict[str, nn.Module]:
    return {f"{layer}.{name}": module for layer, vectors in found.items() for name, module in vectors.modules.items()}


def _taken(capture: Capture, layer: str, vectors: VectorSource) -> dict[str, torch.Tensor]:
    return {name: capture.taken[f"{layer}.{name}"] for name in vectors.modules}
