"""The order of the rows in each epoch: the same after a kill, and the same for any number of processes.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState
from transformers.trainer_pt_utils import LengthGroupedSampler

if TYPE_CHECKING:
    from collections.abc import Iterator


class EpochOrder(TrainerCallback, ExportableState):
    """Remembers the random numbers that an epoch's order was drawn with; saved with every checkpoint.

    The trainer draws the order of the epoch that it goes on in from a fresh process's random numbers. In every epoch
    but the first that is another order: rows would be seen twice, and others not at all.
    """

    def __init__(self) -> None:
        self.drawn_in = -1  # epoch
        self.random_state = ""  # torch's, in hex, before that epoch's order was drawn
        self._epoch = 0

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Note which epoch begins, or is gone on with."""
        self._epoch = int(state.epoch or 0.0)

    def draw(self) -> None:
        """Set torch's random numbers for the epoch's order, or note them if it is drawn for the first time."""
        if self.drawn_in == self._epoch:
            torch.set_rng_state(torch.frombuffer(bytearray.fromhex(self.random_state), dtype=torch.uint8))
        self.drawn_in = self._epoch
        self.random_state = bytes(torch.get_rng_state().tolist()).hex()

    def state(self) -> dict[str, Any]:
        """Return the state that a checkpoint keeps."""
        return {"args": {}, "attributes": {"drawn_in": self.drawn_in, "random_state": self.random_state}}


class EpochSampler(Sampler[int]):
    """The rows' indices, those of like length together, in the order of an `EpochOrder`."""

    def __init__(self, trainer: Any, lengths: list[int]) -> None:
        """Take the trainer, for its arguments and for its callback, and the tokens of each row."""
        args = trainer.args
        self._trainer = trainer
        self._rows_of_a_step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
        self._drawn = LengthGroupedSampler(self._rows_of_a_step, lengths=lengths)

    def __len__(self) -> int:
        return len(self._drawn)

    def __iter__(self) -> Iterator[int]:
        # a resume replaces the callback by one with its saved state
        callbacks = self._trainer.callback_handler.callbacks
        next(callback for callback in callbacks if isinstance(callback, EpochOrder)).draw()
        return iter(self._drawn)


def lengths_of(dataset: Any) -> list[int]:
    """Return the tokens of each row."""
    lengths: list[int] = pc.list_value_length(dataset.data.column("input_ids")).to_pylist()
    return lengths
