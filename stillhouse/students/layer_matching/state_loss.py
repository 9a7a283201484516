"""How far two hidden states are from each other.

Imported in the engine environment only.
"""

# N: tokens; D: width

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch.nn import functional

if TYPE_CHECKING:
    import torch

# below which the square of a state is taken for nothing, so that none is divided by 0
_LEAST = 1e-12


def state_loss(
    student_ND: torch.Tensor, source_ND: torch.Tensor, kind: Literal["mse", "relative_mse", "cosine"]
) -> torch.Tensor:
    """Return the distance of the student's state s from the one to learn t, summed over tokens; 0 if they are equal.

        mse:           mean over D of (s - t)^2
        relative_mse:  mean over D of (s - t)^2 / mean over D of t^2
        cosine:        1 - s t / (|s| |t|)

    Source: Jiao et al., arXiv:1909.10351, equation 8 (mse); Sun et al., arXiv:1908.09355, equation 7, whose squared
    distance of normalised states is twice the cosine's.
    """
    if kind == "cosine":
        return (1.0 - functional.cosine_similarity(student_ND, source_ND, dim=-1)).sum()
    distance_N = (student_ND - source_ND).square().mean(dim=-1)
    if kind == "relative_mse":
        distance_N = distance_N / source_ND.square().mean(dim=-1).clamp(min=_LEAST)
    return distance_N.sum()
