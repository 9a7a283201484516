"""Rows of token ids as the tensors of a step: prompts padded on the left, answers behind them on the right.

Shapes: B rows, P tokens of the longest prompt, C of the longest answer. Imported in the engine environment only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from stillhouse.students.on_policy.trl_adapter import pad


def split_row(row: dict[str, list[int]]) -> tuple[list[int], list[int]]:
    """Return the tokens of a row's prompt, and those of its answer with its stop token."""
    start = row["completion_mask"].index(1)
    return row["input_ids"][:start], row["input_ids"][start:]


def as_tensors(prompts: Sequence[list[int]], answers: Sequence[list[int]], padding: int) -> dict[str, torch.Tensor]:
    """Return `prompt_ids` [B, P] and `completion_ids` [B, C] with a mask of each (1 = a token)."""
    made = {}
    for name, rows, side in (("prompt", prompts, "left"), ("completion", answers, "right")):
        tokens = [torch.tensor(row) for row in rows]
        made[f"{name}_ids"] = pad(tokens, padding_value=padding, padding_side=side)
        made[f"{name}_mask"] = pad([torch.ones_like(row) for row in tokens], padding_value=0, padding_side=side)
    return made


def sequences(inputs: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return token ids, attention mask and positions, each [B, P + C]; a prompt's first token has position 0."""
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1)
    mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1)
    return ids, mask, (mask.cumsum(dim=1) - 1).clamp(min=0)
