"""The tokens of many texts as numbers: their shingles, the likeness of two texts, and their runs of words."""

import logging
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from stillhouse.data.span_hashes import SpanHashes
from stillhouse.data.tokens import CLASSES, WORDS, token_classes, token_lists
from stillhouse.runtime.ticker import Ticker

logger = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

CHUNK = 100_000  # rows or pairs at a time
_RUN_CHUNK = 20_000  # rows at a time; a run takes several numbers
_PRIME = np.uint64(0x9E3779B97F4A7C15)
WORD = WORDS.sixths  # what a word is worth as a token
_SIXTHS = np.array([kind.sixths for kind in CLASSES])
_SHINGLES = np.array([kind.shingle for kind in CLASSES])
_MARKS = 64  # tokens below are no words: each stands before a turn and says its role


class Tokens:
    """The tokens of many texts in order, as 32-bit hashes whose last two bits are the script's class.

    They go to a file that has no name, so that the system can take its memory back: those of 10 million short texts
    take more than a gigabyte.
    """

    def __init__(self, scratch: Path | None = None) -> None:
        """Start without a text; `scratch` is the folder of the file, None the system's own for such."""
        self._scratch = scratch
        self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - it goes with this object
        self._lengths: list[Ints] = []
        self._has_characters = False

    def add(self, texts: Sequence[str]) -> None:
        """Append texts."""
        lists = token_lists(texts)
        lengths = lists.list.len().cast(pl.Int64).to_numpy()
        flat = lists.filter(lists.list.len() > 0).explode()
        hashes = flat.hash(0).to_numpy() >> np.uint64(32) & np.uint64(0xFFFFFFFC) | np.uint64(_MARKS)
        if not all(map(str.isascii, texts)):
            classes = token_classes(flat).to_numpy()
            self._has_characters |= bool(classes.any())
            hashes = hashes | classes
        self.append(hashes.astype(np.uint32), lengths)

    def add_blank(self, count: int) -> None:
        """Append texts without a token."""
        self.append(np.empty(0, np.uint32), np.zeros(count, np.int64))

    def add_turns(self, dialogues: Sequence[Sequence[tuple[int, str]]]) -> None:
        """Append texts of several turns each, given as (number of the role, content)."""
        turns = Tokens(self._scratch)
        turns.add([content for turns_of_one in dialogues for _, content in turns_of_one])
        table = turns.seal()
        roles = np.array([role for turns_of_one in dialogues for role, _ in turns_of_one], np.uint32)
        self._has_characters |= table.has_characters
        per_turn = np.diff(table.offsets) + 1
        ends = np.concatenate([[0], np.cumsum(per_turn)])
        starts = np.concatenate([[0], np.cumsum([len(one) for one in dialogues])]).astype(np.int64)
        self.append(np.insert(table.flat, table.offsets[:-1], roles), np.diff(ends[starts]).astype(np.int64))

    def append(self, hashes: npt.NDArray[np.uint32], lengths: Ints) -> None:
        """Append texts of known tokens: all of them one after the other, and how many each text has."""
        self._file.write(hashes.tobytes())
        self._lengths.append(lengths)

    def seal(self) -> "TokenTable":
        """Return the table of all texts added, which replaces this object."""
        lengths = np.concatenate(self._lengths) if self._lengths else np.empty(0, np.int64)
        self._lengths.clear()
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._file.flush()
        # a file of nothing can't be mapped
        flat = np.memmap(self._file, np.uint32, "r") if offsets[-1] else np.empty(0, np.uint32)
        return TokenTable(flat, offsets, self._has_characters)


@dataclass(frozen=True)
class Runs:
    """Runs of tokens: the hash of each, its row, and where it starts and ends in the tokens of the rows taken."""

    hashes: Hashes
    rows: Ints
    starts: Ints
    ends: Ints
    taken: Ints
    flat: Hashes
    offsets: Ints
    spans: SpanHashes

    @property
    def texts(self) -> Ints:
        """The place of each run's text among the rows taken."""
        return np.searchsorted(self.offsets, self.starts, side="right") - 1


class TokenTable:
    """Sealed `Tokens`: text i has the tokens flat[offsets[i]:offsets[i + 1]]."""

    def __init__(self, flat: npt.NDArray[np.uint32], offsets: Ints, has_characters: bool) -> None:
        self.flat = flat
        self.offsets = offsets
        self.has_characters = has_characters

    @property
    def has_turns(self) -> bool:
        """Whether texts are made of several turns."""
        return bool(len(self.flat)) and int(self.flat[0]) < _MARKS

    @property
    def lengths(self) -> Ints:
        """The number of tokens of each text."""
        return np.diff(self.offsets)

    def take(self, rows: Ints) -> tuple[Hashes, Ints]:
        """Return the tokens of `rows`, one after the other, and their offsets."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        ends = np.cumsum(lengths)
        positions = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths - self.offsets[rows], lengths)
        taken = self.flat[positions].astype(np.uint64)
        if isinstance(self.flat.base, mmap.mmap):
            # else each page that was ever looked at counts as this process's memory
            self.flat.base.madvise(mmap.MADV_DONTNEED)
        return taken, np.concatenate([[0], ends]).astype(np.int64)

    def shingles(self, rows: Ints) -> tuple[Hashes, Ints]:
        """Return what the texts of `rows` are compared by, and its offsets.

        That is each word, each character with those after it, and of turns each with its role.
        """
        flat, offsets = self.take(rows)
        role = _roles(flat) if self.has_turns else None
        if self.has_characters:
            flat = _joined(flat, offsets)
        return (flat if role is None else (flat ^ (role * _PRIME)), offsets)

    def jaccard(self, left: Ints, right: Ints) -> npt.NDArray[np.float64]:
        """Return the Jaccard similarity of the shingles of left[i] and right[i] for each i; 1 for two empty texts."""
        parts = [np.empty(0)]
        ticker = Ticker(logger, "pairs of rows compared", len(left))
        for start in range(0, len(left), CHUNK):
            chunk = slice(start, start + CHUNK)
            rows, positions = np.unique(np.concatenate([left[chunk], right[chunk]]), return_inverse=True)
            flat, offsets = self.shingles(rows)
            lists = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat)))
            assert isinstance(lists, pl.Series)
            sets, half = lists.list.unique(), len(left[chunk])
            pair = pl.DataFrame({"a": sets.gather(positions[:half]), "b": sets.gather(positions[half:])})
            both = pl.col("a").list.set_intersection("b").list.len()
            either = pl.col("a").list.len() + pl.col("b").list.len() - both
            parts.append(pair.select((both / either).fill_nan(1.0)).to_series().to_numpy())
            ticker.add(half)
        return np.concatenate(parts)

    def runs(self, rows: Ints, words: int) -> Iterator[Runs]:
        """Yield the runs within one turn of `rows` that are worth `words` words, a chunk of rows at a time."""
        ticker = Ticker(logger, "rows searched for runs of words", len(rows))
        for start in range(0, len(rows), _RUN_CHUNK):
            part = rows[start : start + _RUN_CHUNK]
            flat, offsets = self.take(part)
            ends = self._run_ends(flat, offsets, words)
            starts = np.flatnonzero(ends >= 0)
            ends = ends[starts]
            owners = np.repeat(part, np.diff(offsets))[starts]
            spans = SpanHashes(flat)
            yield Runs(spans(starts, ends), owners, starts, ends, part, flat, offsets, spans)
            ticker.add(len(part))

    def _run_ends(self, flat: Hashes, offsets: Ints, words: int) -> Ints:
        if self.has_characters or self.has_turns:
            return run_ends(flat, offsets, words)
        ends = np.arange(words, len(flat) + words)  # the same, for words alone
        return np.where(ends > np.repeat(offsets[1:], np.diff(offsets)), -1, ends)


def run_ends(flat: Hashes, offsets: Ints, words: int) -> Ints:
    """Return for each token where the shortest run from it ends that is worth `words` words; -1 if its turn is over."""
    places = np.arange(len(flat))
    limits = np.repeat(offsets[1:], np.diff(offsets))
    marks = flat < _MARKS
    if marks.any():
        breaks = np.union1d(offsets[1:], np.flatnonzero(marks))
        limits = breaks[np.searchsorted(breaks, places, side="right")]
    worth = np.concatenate([[0], np.cumsum(token_worth(flat))])
    ends = np.searchsorted(worth, worth[:-1] + WORD * words)
    return np.where(marks | (ends > limits), -1, ends).astype(np.int64)


def token_worth(flat: Hashes) -> Ints:
    """Return what each token is worth, in sixths of a word; 0 for the mark of a turn."""
    return np.asarray(np.where(flat < _MARKS, 0, _SIXTHS[_classes(flat)]))


def _classes(flat: Hashes) -> Ints:
    return np.where(flat < _MARKS, 0, flat & np.uint64(3)).astype(np.int64)


def _roles(flat: Hashes) -> Hashes:
    """Return the number of the role of each token's turn; a text begins with the mark of one."""
    marks = flat < _MARKS
    return flat[np.maximum.accumulate(np.where(marks, np.arange(len(flat)), 0))]


def _joined(flat: Hashes, offsets: Ints) -> Hashes:
    """Return the tokens, with each character joined to those that follow it within its text."""
    classes, limits = _classes(flat), np.repeat(offsets[1:], np.diff(offsets))
    joined, places = flat.copy(), np.flatnonzero(classes > 0)
    for step in range(1, int(_SHINGLES.max())):
        places = places[(_SHINGLES[classes[places]] > step) & (places + step < limits[places])]
        places = places[classes[places + step] > 0]
        joined[places] = joined[places] * _PRIME ^ flat[places + step]
    return joined
