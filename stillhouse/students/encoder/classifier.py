"""An encoder with a linear layer on the vector of a text: the model of an encoder student.

Imported in the engine environment only.
"""

# B: texts; T: tokens; D: dimensions of a vector; L: labels

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_AT_ONCE = 64  # texts in one forward pass


class EncoderClassifier(nn.Module):  # type: ignore[misc]  # torch is not in the control environment
    """Logits of the labels: a linear layer on the pooled token vectors, which are brought to length 1."""

    def __init__(self, encoder: Any, pooling: str, num_labels: int) -> None:
        """Take an encoder; the layer is 0 until it is set."""
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, num_labels)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._is_cls = pooling == "cls"

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits [B, L] of token ids [B, T]."""
        logits: torch.Tensor = self.head(self.vectors(input_ids, attention_mask))
        return logits

    def vectors(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return a vector of length 1 for each text, [B, D]."""
        tokens_BTD = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self._is_cls:
            return functional.normalize(tokens_BTD[:, 0], dim=-1)
        weights_BT1 = attention_mask.unsqueeze(-1).to(tokens_BTD.dtype)
        # the mean's divisor is the same for all dimensions: the length takes it out again
        return functional.normalize((tokens_BTD * weights_BT1).sum(dim=1), dim=-1)

    def set_head(self, weight_LD: torch.Tensor, bias_L: torch.Tensor) -> None:
        """Set the linear layer."""
        with torch.no_grad():
            self.head.weight.copy_(weight_LD)
            self.head.bias.copy_(bias_L)


@torch.no_grad()  # type: ignore[untyped-decorator]
def encode_all(model: EncoderClassifier, tokenizer: Any, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the vectors of all `rows` of token ids, [N, D], without dropout."""
    model.eval()
    # rows of like length share a pass: padding costs as much as text does
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    device = model.head.weight.device
    parts = []
    for start in range(0, len(order), _AT_ONCE):
        batch = pad(tokenizer, [rows[place] for place in order[start : start + _AT_ONCE]])
        parts.append(model.vectors(**{name: part.to(device) for name, part in batch.items()}).cpu())
    found = torch.cat(parts)
    return found[torch.argsort(torch.tensor(order))]


def pad(tokenizer: Any, rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """Return `input_ids` and `attention_mask` of rows of token ids, [B, T]."""
    padded: dict[str, torch.Tensor] = tokenizer.pad({"input_ids": list(rows)}, return_tensors="pt")
    return {name: padded[name] for name in ("input_ids", "attention_mask")}
