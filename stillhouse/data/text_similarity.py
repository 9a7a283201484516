"""Finds rows whose texts share most of their words, among many."""

import logging
import tempfile
from typing import IO

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from stillhouse.data.row_texts import TextTables
from stillhouse.data.token_table import CHUNK, Flags, Hashes, Ints, TokenTable
from stillhouse.runtime.ticker import Ticker

logger = logging.getLogger(__name__)

_PERMUTATIONS = 64
_NEIGHBOURS = 6  # each row is compared with so many rows of a band, so that time stays linear in rows
_MISS = 5e-4  # chance that a pair exactly at the threshold shares no band
_SLACK = 0.2  # four standard deviations of a Jaccard estimate from 64 permutations
_DIGESTED = 10_000  # rows at a time: their digests are Python's integers first, 2 kB a row
_PRIME = np.uint64(0x9E3779B97F4A7C15)


def near_pairs(
    texts: TextTables, rows: Ints, threshold: float, seed: int = 0, groups: Hashes | None = None
) -> tuple[Ints, Ints]:
    """Return pairs of `rows` that are near in each part of their texts, and the rows that might be in more.

    The pairs have shape (n, 2). Near means a Jaccard similarity of at least `threshold`. MinHash proposes, the true
    similarity decides; a pair at the threshold is missed with a probability of 5e-4, a closer one with less. Each row
    is compared with at most 6 neighbours a band, so large clusters need several passes: drop the pairs found and call
    again with the returned rows until no pair is left. `groups` (a number a row) keeps rows of other groups out.
    """
    rows = rows[texts.own.lengths[rows] > 0]  # texts without a word are similar to none
    width = _band_width(threshold, len(texts.others))
    bands = _PERMUTATIONS // width
    if len(rows) < 2:
        return np.empty((0, 2), np.int64), rows[:0]
    suspects = rows[_shares_a_band(texts, rows, (bands, width), seed)]
    digests = _digests(texts.own, suspects, bands * width, seed)
    salts = np.zeros((bands, len(suspects)), np.uint64)
    for table in texts.others:
        salts = salts * _PRIME + _digests(table, suspects, bands, seed).T
    if groups is not None:
        salts ^= groups[suspects]
    left, right = _candidates(digests, salts, width)
    alike = np.concatenate(
        [np.empty(0, bool)]
        + [
            (digests[left[at : at + CHUNK]] == digests[right[at : at + CHUNK]]).mean(axis=1) >= threshold - _SLACK
            for at in range(0, len(left), CHUNK)
        ]
    )
    left, right = suspects[left[alike]], suspects[right[alike]]
    sure = texts.near(left, right, threshold)
    return np.stack([left[sure], right[sure]], axis=1), suspects


def _band_width(threshold: float, others: int) -> int:
    """Return the most rows a band that still keeps the chance of a miss at the threshold below _MISS.

    A band holds besides one row of each other part of the texts.
    """
    widths = [w for w in range(1, 9) if (1 - threshold ** (w + others)) ** (_PERMUTATIONS // w) <= _MISS]
    return max(widths, default=1)


def _shares_a_band(texts: TextTables, rows: Ints, shape: tuple[int, int], seed: int) -> Flags:
    """Return which of `rows` share a band with another; `shape` is the number of bands, and digests a band.

    The keys of the bands are on disk, and those of one band at a time in memory: all of 10 million rows take more than
    a gigabyte.
    """
    bands, width = shape
    shared = np.zeros(len(rows), bool)
    ticker = Ticker(logger, "rows looked at for near-duplicates", len(rows))
    with tempfile.TemporaryFile(dir=texts.scratch) as file:
        for start in range(0, len(rows), CHUNK):
            digests = _digests(texts.own, rows[start : start + CHUNK], bands * width, seed)
            _band_keys(np.zeros((bands, len(digests)), np.uint64), digests, width).tofile(file)
            ticker.add(len(digests))
        file.flush()
        for band in range(bands):
            shared |= _repeated(_read_band(file, band, bands, len(rows)))
    return shared


def _read_band(file: IO[bytes], band: int, bands: int, count: int) -> Hashes:
    """Return one band's keys of all rows: a chunk of rows has those of all its bands together."""
    parts = []
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        file.seek((start * bands + band * size) * np.uint64().itemsize)
        parts.append(np.fromfile(file, np.uint64, size))
    return np.concatenate(parts)


def _repeated(keys: Hashes) -> Flags:
    order = np.argsort(keys)
    same = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    found = np.zeros(len(keys), bool)
    found[order[same]] = found[order[same + 1]] = True
    return found


def _digests(table: TokenTable, rows: Ints, permutations: int, seed: int) -> npt.NDArray[np.uint32]:
    digests = np.empty((len(rows), permutations), np.uint32)
    for start in range(0, len(rows), _DIGESTED):
        flat, offsets = table.shingles(rows[start : start + _DIGESTED])
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets.astype(np.uint64), permutations, seed)
        digests[start : start + _DIGESTED] = matrix.to_rows()
    return digests


def _band_keys(salts: Hashes, digests: npt.NDArray[np.uint32], width: int) -> Hashes:
    """Return a number for each band and row, shape (bands, rows): equal where the `width` digests and salts are."""
    keys = salts
    for offset in range(width):
        keys = keys * _PRIME + digests[:, offset::width].T[: len(salts)]
    return keys


def _candidates(digests: npt.NDArray[np.uint32], salts: Hashes, width: int) -> tuple[Ints, Ints]:
    """Return pairs of positions, each once, that share a band and are close in its order."""
    bands, keys = len(salts), _band_keys(salts, digests, width)
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
