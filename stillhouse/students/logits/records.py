"""What a `TokenTable` holds of a batch's tokens, as tensors. Imported in the engine environment only."""

# N: tokens that count; K: numbers of a token

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from stillhouse.students.label_choices import IGNORE_INDEX

if TYPE_CHECKING:
    from stillhouse.students.logits.token_table import TokenTable


class Records(NamedTuple):
    """A record a token; of one without numbers, of share 0 and with certainty in the token itself."""

    taken_N: torch.Tensor  # the target's token
    share_N: torch.Tensor
    ids_NK: torch.Tensor
    teacher_NK: torch.Tensor  # log-probabilities; -inf: no number, and the id is another's


def records_of(table: TokenTable, labels_N: torch.Tensor) -> Records:
    """Return the records of labels, which are codes or tokens, on the labels' device."""
    labels = labels_N.cpu().numpy()
    found = np.zeros(len(labels), table.record)
    found["taken"], found["ids"] = labels, labels[:, None]
    found["logprobs"][:, 1:] = -np.inf
    is_known = labels < IGNORE_INDEX
    if is_known.any():
        found[is_known] = table.at(IGNORE_INDEX - 1 - labels[is_known])

    def tensor(name: str) -> Any:
        return torch.from_numpy(np.ascontiguousarray(found[name])).to(labels_N.device)

    return Records(tensor("taken").long(), tensor("share"), tensor("ids").long(), tensor("logprobs"))
