"""The loss of a model on rows, as token ids: what a cut costs before training.

Imported in the engine environment only.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional


def mean_loss(model: Any, rows: Sequence[dict[str, list[int]]], beat: Callable[[], None] = lambda: None) -> float:
    """Return the mean negative log-likelihood of the answers' tokens, in nats, over all tokens of all rows.

    Args:
        model: a causal language model, ready to answer.
        rows: `input_ids`, and `completion_mask`: 1 for the tokens of the answer, which end the row.
        beat: called after each row.
    """
    total, count = 0.0, 0
    picks = "logits_to_keep" in inspect.signature(type(model).forward).parameters
    for row in rows:
        answer = sum(row["completion_mask"])
        ids_1T = torch.tensor([row["input_ids"]], device=model.device)
        # one row at a time: no padding, and the logits of its answer alone
        kept = {"logits_to_keep": answer + 1} if picks else {}
        with torch.no_grad():
            logits_KV = model(input_ids=ids_1T, use_cache=False, **kept).logits[0, -answer - 1 : -1]
        total += functional.cross_entropy(logits_KV.float(), ids_1T[0, -answer:], reduction="sum").item()
        count += answer
        beat()
    return total / count
