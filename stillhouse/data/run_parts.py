"""The runs of words of many rows on disk, parted by their hashes, so that each part can be sorted in memory."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple, Self

import numpy as np

from stillhouse.data.run_table import Counts
from stillhouse.data.token_table import Hashes, Ints

_BITS = 6  # the first of a hash: so many parts
_RUN = np.dtype([("hash", np.uint64), ("place", np.int32), ("offset", np.int32)])


class RunPart(NamedTuple):
    """The runs of one part: the distinct ones in the order of their hashes, and each place where one stands."""

    hashes: Hashes
    num_rows: Counts  # rows with each run
    owners: Counts  # these rows, by their places, run by run
    runs: Ints  # of each run that was added, its number in `hashes`
    places: Counts
    offsets: Counts


class RunParts:
    """Runs that were added, to be read part by part; their files have no names and go with this object."""

    def __init__(self, scratch: Path | None) -> None:
        """Start without a run; `scratch` is the folder of the files, None the system's own for such."""
        self._stack = ExitStack()
        self._files = [self._stack.enter_context(_nameless(scratch)) for _ in range(1 << _BITS)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, hashes: Hashes, places: Ints, offsets: Ints) -> None:
        """Add runs, each with the place of its row among all rows, and a number that is kept."""
        parts = hashes >> np.uint64(64 - _BITS)
        order = np.argsort(parts, kind="stable")
        records = np.empty(len(hashes), _RUN)
        records["hash"], records["place"], records["offset"] = hashes[order], places[order], offsets[order]
        ends = np.cumsum(np.bincount(parts.astype(np.int64), minlength=len(self._files)))
        for file, start, end in zip(self._files, [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            file.write(records[start:end].tobytes())

    def read(self) -> Iterator[RunPart]:
        """Yield all parts, in the order of their hashes."""
        for file in self._files:
            file.seek(0)
            records = np.fromfile(file, _RUN)
            records = records[np.lexsort((records["place"], records["hash"]))]
            hashes, places = records["hash"], records["place"]
            is_first = np.ones(len(records), bool)
            is_first[1:] = hashes[1:] != hashes[:-1]
            is_owner = is_first.copy()  # not the same run of the same row again
            is_owner[1:] |= places[1:] != places[:-1]
            runs = np.cumsum(is_first) - 1
            num_rows = np.bincount(runs[is_owner], minlength=int(is_first.sum())).astype(np.int32)
            yield RunPart(hashes[is_first], num_rows, places[is_owner], runs, places, records["offset"])


def _nameless(folder: Path | None) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)
