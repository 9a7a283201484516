"""What the trainer needs to compare a student's layers with another model's.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import nn

    from stillhouse.students.layer_matching.capture import Capture

# of the student's model, while it is trained: what a checkpoint keeps and an export does not
PROJECTIONS = "layer_projections"


class Matching(Protocol):
    """A distance of what two models computed for the same tokens."""

    student: Capture
    source: Capture
    projections: nn.ModuleDict  # learnt with the student; empty where widths are equal

    def summed(self, attention_BT: torch.Tensor, counts_BT: torch.Tensor) -> torch.Tensor:
        """Return the distance in the last forward passes, summed over the tokens that count.

        `attention_BT` is 0 at padding, and `counts_BT` true at the tokens.
        """
