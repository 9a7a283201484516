"""The order of the rows in each epoch: the same after a kill, and the same for any number of processes.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import torch
from accelerate.utils import broadcast_object_list
from datasets import Dataset, concatenate_datasets
from torch.utils.data import Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState
from transformers.trainer_pt_utils import LengthGroupedSampler

from stillhouse.students.label_choices import IGNORE_INDEX

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


class EpochSampler(Sampler[int]):  # type: ignore[misc]  # torch has no types in the control environment
    """The rows' indices, those of like length together, in the order of an `EpochOrder`."""

    def __init__(self, trainer: Any, lengths: list[int]) -> None:
        """Take the trainer, for its arguments and for its callback, and the tokens of each row."""
        args = trainer.args
        self._trainer = trainer
        self._rows_of_a_step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
        # of several processes, the last row is the blank one
        self._blank = len(lengths) - 1 if args.world_size > 1 else None
        self._drawn = LengthGroupedSampler(self._rows_of_a_step, lengths=lengths[: self._blank])

    def __len__(self) -> int:
        return len(self._drawn) + self._num_blanks

    def __iter__(self) -> Iterator[int]:
        # a resume replaces the callback by one with its saved state
        callbacks = self._trainer.callback_handler.callbacks
        next(callback for callback in callbacks if isinstance(callback, EpochOrder)).draw()
        order = list(self._drawn)
        if self._blank is None:
            return iter(order)
        # dropout takes other random numbers in each process: the main one's order is that of all
        return iter(broadcast_object_list([order])[0] + [self._blank] * self._num_blanks)

    @property
    def _num_blanks(self) -> int:
        """How many blank rows fill the epoch's last step, so that every process has as many rows as the others."""
        return 0 if self._blank is None else -len(self._drawn) % self._rows_of_a_step


def with_blank_row(rows: Dataset) -> Dataset:
    """Return the rows with one more, of which no token counts.

    Where the rows of several processes' last step do not come out even, the trainer would repeat the epoch's first.
    """
    token = rows[0]["input_ids"][0]
    without = {"labels": [IGNORE_INDEX]} if "labels" in rows.column_names else {"completion_mask": [0]}
    blank = Dataset.from_list([{"input_ids": [token], **without}], features=rows.features)
    return concatenate_datasets([rows, blank])


def lengths_of(dataset: Any) -> list[int]:
    """Return the tokens of each row."""
    lengths: list[int] = pc.list_value_length(dataset.data.column("input_ids")).to_pylist()
    return lengths
