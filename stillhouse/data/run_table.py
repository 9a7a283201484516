"""Distinct runs of words, each with the number of rows that have it, in the order of their hashes."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from stillhouse.data.row_texts import covered
from stillhouse.data.token_table import Flags, Hashes, Ints, Runs, token_worth

_COMMON = 4  # a run in more rows than this, of training and test together, is common
_FLAGS_A_RUN = 32  # few enough false ones, so that nearly all runs are ruled out before the exact look-up
_MOST_FLAG_BITS = 31  # 256 MiB

Counts = npt.NDArray[np.int32]


@dataclass
class RunTable:
    """The runs of `hashes`, which are sorted; run i is in num_rows[i] rows, as far as they are counted."""

    hashes: Hashes
    num_rows: Counts
    _flags: npt.NDArray[np.uint8] = field(init=False)  # one bit for each value of a hash's first bits

    def __post_init__(self) -> None:
        self._bits = min(max(len(self.hashes) * _FLAGS_A_RUN, 8).bit_length(), _MOST_FLAG_BITS)
        self._flags = np.zeros(1 << (self._bits - 3), np.uint8)
        places, bits = self._flag(self.hashes)
        np.bitwise_or.at(self._flags, places, bits)

    def find(self, hashes: Hashes) -> Ints:
        """Return the number of the run that each of `hashes` is; -1 for none."""
        numbers = np.full(len(hashes), -1)
        places, bits = self._flag(hashes)
        maybe = np.flatnonzero(self._flags[places] & bits)
        if len(maybe):
            places = np.minimum(np.searchsorted(self.hashes, hashes[maybe]), len(self.hashes) - 1)
            numbers[maybe] = np.where(self.hashes[places] == hashes[maybe], places, -1)
        return numbers

    def count(self, numbers: Ints) -> None:
        """Count a further row for each of the runs `numbers`, which may repeat."""
        runs, rows = np.unique(numbers, return_counts=True)
        self.num_rows[runs] += rows.astype(np.int32)

    def is_rare(self, numbers: Ints) -> Flags:
        """Return which of the runs stand in so few rows that they can give a test row away."""
        return np.asarray((numbers >= 0) & (self.num_rows[numbers] <= _COMMON))

    def own_worth(self, chunk: Runs) -> Ints:
        """Return what each token is worth, in sixths of a word: nothing in a common run."""
        numbers = self.find(chunk.hashes)
        is_common = (numbers >= 0) & ~self.is_rare(numbers)
        return np.where(covered(chunk.starts, chunk.ends, is_common, len(chunk.flat)), 0, token_worth(chunk.flat))

    def _flag(self, hashes: Hashes) -> tuple[Hashes, npt.NDArray[np.uint8]]:
        """Return the byte of each hash's flag, and its bit."""
        first = hashes >> np.uint64(64 - self._bits)
        return first >> np.uint64(3), np.left_shift(1, first & np.uint64(7)).astype(np.uint8)
