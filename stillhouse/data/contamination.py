"""Finds rows outside the test split that repeat a test row: exactly, nearly, or by a run of words.

A test score is worth nothing if the student has seen the test rows.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from stillhouse.data.duplicates import Finding
from stillhouse.data.text_similarity import Ints, WordTable, near_pairs

Flags = npt.NDArray[np.bool_]

_BITS = 26  # 64 MiB of flags rule out nearly all runs of words before the exact look-up
_MAX_ROUNDS = 20


def exact_overlap(training: Ints, test: Ints, keys: npt.NDArray[np.uint64]) -> Iterator[Finding]:
    """Yield the rows of `training` with the content of a test row."""
    test_keys, first = np.unique(keys[test], return_index=True)
    for row in training[np.isin(keys[training], test_keys)].tolist():
        of = test[first[np.searchsorted(test_keys, keys[row])]]
        yield Finding(row, "contaminated_exact", int(of))


def near_overlap(
    training: Ints, test: Ints, words: WordTable, threshold: float, pairs: Ints
) -> tuple[list[Finding], int]:
    """Return the rows of `training` that are near-duplicates of a test row, and how many test rows still have one.

    `pairs` is what a first search among all rows found. The search is repeated with a new seed until it finds nothing,
    so the last one checks those before. The count is 0 unless large clusters outlast the bounded number of searches.
    """
    is_test = np.zeros(len(words.offsets) - 1, bool)
    is_test[test] = True
    is_training = np.zeros(len(is_test), bool)
    is_training[training] = True
    found: list[Finding] = []
    for seed in range(1, _MAX_ROUNDS):
        for row, of in _across(pairs, is_training, is_test).tolist():
            if is_training[row]:
                is_training[row] = False
                found.append(Finding(row, "contaminated_near", of))
        pairs, _ = near_pairs(words, np.flatnonzero(is_training | is_test), threshold, seed)
        if not len(_across(pairs, is_training, is_test)):
            return found, 0
    return found, len(np.unique(_across(pairs, is_training, is_test)[:, 1]))


def _across(pairs: Ints, is_training: Flags, is_test: Flags) -> Ints:
    """Return those of `pairs` that join a training row and a test row, in this order."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return np.asarray(both[is_training[both[:, 0]] & is_test[both[:, 1]]], dtype=np.int64)


def ngram_overlap(training: Ints, test: Ints, words: WordTable, n: int) -> Iterator[Finding]:
    """Yield the rows of `training` that share a run of `n` words with a test row."""
    split = np.zeros(len(words.offsets) - 1, np.int8)
    split[training], split[test] = 1, 2
    hashes, owners = words.ngrams(n)
    test_hashes = np.unique(hashes[split[owners] == 2])
    flags = np.zeros(1 << _BITS, bool)
    shift = np.uint64(64 - _BITS)
    flags[test_hashes >> shift] = True
    maybe = np.flatnonzero(flags[hashes >> shift] & (split[owners] == 1))
    for row in np.unique(owners[maybe][np.isin(hashes[maybe], test_hashes)]).tolist():
        yield Finding(row, "contaminated_ngram", -1)
