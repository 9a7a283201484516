"""Finds texts that share most of their words, or a run of words, among many."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from rensa import RMinHash, RMinHashLSH

Ints = npt.NDArray[np.int64]

_PERMUTATIONS = 64
_NEIGHBOURS = 6  # each row is compared with so many rows of a band, so that time stays linear in rows
_MISS = 5e-4  # chance that a pair exactly at the threshold shares no band
_SLACK = 0.2  # four standard deviations of a Jaccard estimate from 64 permutations
_CHUNK = 100_000
_PRIME = np.uint64(0x9E3779B97F4A7C15)


class Words:
    """The words of many normalised texts in order, as 32-bit hashes: 4 bytes a word and 8 a text."""

    def __init__(self) -> None:
        self._hashes: list[npt.NDArray[np.uint32]] = []
        self._lengths: list[npt.NDArray[np.int64]] = []

    def add(self, texts: Sequence[str]) -> None:
        """Append texts as `normalise` gives them: words apart by one space."""
        column = pl.Series(texts, dtype=pl.String)
        words = column.str.split(" ")  # "" splits into one empty word
        flat = words.explode()
        lengths = words.list.len().cast(pl.Int64) - (column == "").cast(pl.Int64)
        hashes = flat.filter(flat != "").hash(0).to_numpy()
        self._hashes.append((hashes >> np.uint64(32)).astype(np.uint32))
        self._lengths.append(lengths.to_numpy())

    def seal(self) -> "WordTable":
        """Return the table of all texts added, which replaces this object."""
        flat = np.concatenate(self._hashes) if self._hashes else np.empty(0, np.uint32)
        lengths = np.concatenate(self._lengths) if self._lengths else np.empty(0, np.int64)
        self._hashes, self._lengths = [], []
        return WordTable(flat, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


class WordTable:
    """Sealed `Words`: text i has the words flat[offsets[i]:offsets[i + 1]]."""

    def __init__(self, flat: npt.NDArray[np.uint32], offsets: Ints) -> None:
        self.flat = flat
        self.offsets = offsets
        lists = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat)))
        assert isinstance(lists, pl.Series)
        self._lists = lists

    def take(self, rows: Ints) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Return the words of `rows`, one after the other, and their offsets."""
        lengths = np.diff(self.offsets)[rows]
        ends = np.cumsum(lengths)
        positions = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths - self.offsets[rows], lengths)
        return self.flat[positions].astype(np.uint64), np.concatenate([[0], ends]).astype(np.uint64)

    def jaccard(self, left: Ints, right: Ints) -> npt.NDArray[np.float64]:
        """Return the word-set Jaccard similarity of left[i] and right[i] for each i."""
        rows, positions = np.unique(np.concatenate([left, right]), return_inverse=True)
        sets = self._lists.gather(rows).list.unique()
        parts = [np.empty(0)]
        for start in range(0, len(left), _CHUNK):
            end = min(start + _CHUNK, len(left))
            pair = pl.DataFrame(
                {
                    "a": sets.gather(positions[start:end]),
                    "b": sets.gather(positions[len(left) + start : len(left) + end]),
                }
            )
            both = pl.col("a").list.set_intersection("b").list.len()
            either = pl.col("a").list.len() + pl.col("b").list.len() - both
            parts.append(pair.select((both / either).fill_nan(0.0)).to_series().to_numpy())
        return np.concatenate(parts)

    def ngrams(self, n: int) -> tuple[npt.NDArray[np.uint64], Ints]:
        """Return a hash for each run of `n` words within a text, and the index of its text."""
        count = max(len(self.flat) - n + 1, 0)
        hashes = np.zeros(count, np.uint64)
        for offset in range(n):
            hashes *= _PRIME
            hashes += self.flat[offset : offset + count]
        lengths = np.diff(self.offsets)
        owner = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[:count]
        whole = np.arange(count) + n <= self.offsets[1:][owner]
        return hashes[whole], owner[whole].astype(np.int64)


def near_pairs(words: WordTable, rows: Ints, threshold: float, seed: int = 0) -> tuple[Ints, Ints]:
    """Return pairs of `rows` whose word-set Jaccard is at least `threshold`, and the rows that might be in more.

    The pairs have shape (n, 2). MinHash proposes, the true Jaccard decides; a pair at the threshold is missed with a
    probability of 5e-4, a closer one with less. Each row is compared with at most 6 neighbours a band, so large
    clusters need several passes: drop the pairs found and call again with the returned rows until no pair is left.
    """
    rows = rows[np.diff(words.offsets)[rows] > 0]  # texts without a word are similar to none
    width = _band_width(threshold)
    bands = _PERMUTATIONS // width
    if len(rows) < 2:
        return np.empty((0, 2), np.int64), rows[:0]
    flat, offsets = words.take(rows)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, bands * width, seed)
    flags = RMinHashLSH(threshold, bands * width, bands).query_duplicate_flags_matrix_one_shot(matrix)
    del matrix, flat
    suspects = rows[np.asarray(flags, dtype=bool)]
    digests = _digests(words, suspects, bands * width, seed)
    left, right = _candidates(digests, bands, width)
    alike = np.concatenate(
        [np.empty(0, bool)]
        + [
            (digests[left[at : at + _CHUNK]] == digests[right[at : at + _CHUNK]]).mean(axis=1) >= threshold - _SLACK
            for at in range(0, len(left), _CHUNK)
        ]
    )
    left, right = suspects[left[alike]], suspects[right[alike]]
    sure = words.jaccard(left, right) >= threshold - 1e-9
    return np.stack([left[sure], right[sure]], axis=1), suspects


def _band_width(threshold: float) -> int:
    """Return the most rows a band that still keeps the chance of a miss at the threshold below _MISS."""
    widths = [w for w in range(1, 9) if (1 - threshold**w) ** (_PERMUTATIONS // w) <= _MISS]
    return max(widths, default=1)


def _digests(words: WordTable, rows: Ints, permutations: int, seed: int) -> npt.NDArray[np.uint32]:
    parts = [np.empty((0, permutations), np.uint32)]
    for start in range(0, len(rows), _CHUNK):
        flat, offsets = words.take(rows[start : start + _CHUNK])
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, permutations, seed)
        parts.append(np.array(matrix.to_rows(), dtype=np.uint32))
    return np.concatenate(parts)


def _candidates(digests: npt.NDArray[np.uint32], bands: int, width: int) -> tuple[Ints, Ints]:
    """Return pairs of positions, each once, that share a band and are close in its order."""
    keys = np.zeros((bands, len(digests)), np.uint64)
    for offset in range(width):
        keys = keys * _PRIME + digests[:, offset::width].T[:bands]
    found = np.empty(0, np.int64)
    for band in range(bands):
        # in a crowded band the next band's key brings together those that share more
        order = np.lexsort((keys[(band + 1) % bands], keys[band]))
        ordered = keys[band][order]
        parts = [found]
        for step in range(1, _NEIGHBOURS + 1):
            same = np.flatnonzero(ordered[step:] == ordered[:-step])
            if not len(same):
                break
            one, two = order[same], order[same + step]
            parts.append((np.minimum(one, two) << 32) | np.maximum(one, two))
        found = np.unique(np.concatenate(parts))
    return found >> 32, found & 0xFFFFFFFF
