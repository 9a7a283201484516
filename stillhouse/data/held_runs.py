"""The distinct runs of words of the test rows, a range of hashes at a time: two million rows have fifty million."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from stillhouse.data.row_texts import TextTables
from stillhouse.data.run_parts import RunPart, RunParts
from stillhouse.data.run_table import Counts, RunTable
from stillhouse.data.token_table import Hashes, Ints, Runs

_ELSEWHERE = -1  # the offset of a run that is not of what is asked
_BLOCK = 1 << 20  # runs at once, where all of them would take much memory
_NONE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class RunRange:
    """Test runs whose hashes follow each other, and the questions that are found again by one of them."""

    table: RunTable
    questions: pl.DataFrame  # run (of the question), offset (of the run in it), length, whole (hash), of (test row)
    first_run: int  # among all
    first_owner: int


class RunBlock(NamedTuple):
    """Runs in the order of their hashes, with all that is known of them."""

    hashes: Hashes
    num_rows: Counts
    num_test: Counts  # how many of these are test rows
    owners: Ints  # these test rows, run by run


class TellingRuns(NamedTuple):
    """Runs, and those of the test rows that have one of the rare ones."""

    table: RunTable
    owners: pl.DataFrame  # run, of: each run that is rare, and a test row with it


class HeldRuns:
    """The runs of `words` words of the test rows, and of each question the one that the fewest test rows have."""

    def __init__(self, test: Ints, texts: TextTables, words: int) -> None:
        """Write the runs to files without a name, in the folder for such of `texts`."""
        self._test = test
        self._hashes = _Column(texts.scratch, np.uint64)
        self._num_test, self._owners = (_Column(texts.scratch, np.int32) for _ in range(2))
        rarest = _Rarest(len(test))
        with RunParts(texts.scratch) as parts:
            questions = list(_spool(test, texts, words, parts))
            for part in parts.read():
                rarest.look(part, len(self._hashes))
                self._hashes.append(part.hashes)
                self._num_test.append(part.num_rows)
                self._owners.append(part.owners)
        self._questions = _findable(questions, rarest, texts, test) if questions else pl.DataFrame()

    def __len__(self) -> int:
        """Return the number of distinct runs."""
        return len(self._hashes)

    def ranges(self, most_runs: int) -> Iterator[RunRange]:
        """Yield all runs in ranges of at most `most_runs`, the least hashes first."""
        first_owner = 0
        for start in range(0, len(self), most_runs):
            end = min(start + most_runs, len(self))
            table = RunTable(self._hashes.read(start, end), self._num_test.read(start, end))
            here = self._questions.filter(pl.col("run").is_between(start, end, closed="left"))
            num_owners = int(table.num_rows.sum(dtype=np.int64))
            yield RunRange(table, here.with_columns(pl.col("run") - start), start, first_owner)
            first_owner += num_owners

    def telling(self, counted: RunRange) -> Iterator[RunBlock]:
        """Yield those of the runs that some training row has, or that are common: of no other does anything depend."""
        table, first_owner = counted.table, counted.first_owner
        for start in range(0, len(table.hashes), _BLOCK):
            block = slice(start, min(start + _BLOCK, len(table.hashes)))
            num_test = self._num_test.read(counted.first_run + block.start, counted.first_run + block.stop)
            last_owner = first_owner + int(num_test.sum(dtype=np.int64))
            owners = self._test[self._owners.read(first_owner, last_owner)]
            hashes, num_rows = table.hashes[block], table.num_rows[block]
            told = (num_rows > num_test) | ~table.is_rare(np.arange(block.start, block.stop))
            yield RunBlock(hashes[told], num_rows[told], num_test[told], owners[np.repeat(told, num_test)])
            first_owner = last_owner


def joined(blocks: Sequence[RunBlock]) -> TellingRuns:
    """Return blocks that follow each other as a table, and the test rows with those of its runs that are rare."""
    hashes, num_rows, num_test, owners = (np.concatenate(columns) for columns in zip(*blocks, strict=True))
    table = RunTable(hashes, num_rows)
    run = np.repeat(np.arange(len(hashes)), num_test)
    is_rare = table.is_rare(run)
    return TellingRuns(table, pl.DataFrame({"run": run[is_rare], "of": owners[is_rare]}))


class _Rarest:
    """Of each test row's question the run that the fewest test rows have; of several the first."""

    def __init__(self, num_rows: int) -> None:
        self._rank = np.full(num_rows, _NONE)  # of the best run so far: rows with it, then its offset in the question
        self.run = np.zeros(num_rows, np.int64)

    @property
    def offset(self) -> Ints:
        """The place of the run in the question."""
        return self._rank & 0xFFFFFFFF

    def look(self, part: RunPart, first_run: int) -> None:
        """Take the runs of `part`, which are numbered from `first_run`, into account."""
        asked = np.flatnonzero(part.offsets != _ELSEWHERE)
        places, runs = part.places[asked], part.runs[asked]
        rank = (part.num_rows[runs].astype(np.int64) << 32) | part.offsets[asked]
        np.minimum.at(self._rank, places, rank)
        best = np.flatnonzero(self._rank[places] == rank)
        self.run[places[best]] = first_run + runs[best]


class _Column:
    """Numbers in a file without a name."""

    def __init__(self, scratch: Path | None, kind: type[np.generic]) -> None:
        self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - it goes with this object
        self._kind = np.dtype(kind)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, numbers: npt.NDArray[Any]) -> None:
        self._file.write(numbers.tobytes())
        self._count += len(numbers)

    def read(self, start: int, end: int) -> npt.NDArray[Any]:
        """Return the numbers from `start` to before `end`."""
        self._file.flush()
        self._file.seek(start * self._kind.itemsize)
        return np.fromfile(self._file, self._kind, end - start)


def _spool(test: Ints, texts: TextTables, words: int, parts: RunParts) -> Iterator[pl.DataFrame]:
    """Add the runs of all test rows to `parts`; yield what is asked of them, a chunk of rows at a time."""
    for table in texts.spoken:
        start, is_asked = 0, table is texts.asked
        for chunk in table.runs(test, words):
            of_rows = chunk.texts
            offsets = chunk.starts - chunk.offsets[of_rows] if is_asked else np.full(len(of_rows), _ELSEWHERE)
            parts.add(chunk.hashes, start + of_rows, offsets)
            if is_asked:
                yield _questions(chunk, of_rows, start)
            start += len(chunk.taken)


def _questions(chunk: Runs, of_rows: Ints, start: int) -> pl.DataFrame:
    """Return the questions with a run: tokens, the hash of all of them, and the place of the test row."""
    rows = np.unique(of_rows)
    begins, ends = chunk.offsets[rows], chunk.offsets[rows + 1]
    return pl.DataFrame({"length": ends - begins, "whole": chunk.spans(begins, ends), "place": start + rows})


def _findable(questions: Sequence[pl.DataFrame], rarest: _Rarest, texts: TextTables, test: Ints) -> pl.DataFrame:
    """Return the distinct questions that are all that was said, each with the run to find it again by."""
    found = pl.concat(questions)
    places = found["place"].to_numpy()
    others = [table.lengths[test[places]] for table in texts.spoken if table is not texts.asked]
    found = found.select(
        "length", "whole", run=rarest.run[places], offset=rarest.offset[places], of=test[places], alone=sum(others) == 0
    )
    found = found.unique(["run", "offset", "length", "whole"], keep="first", maintain_order=True)
    return found.filter("alone").drop("alone")
