"""Finds rows outside the test split that repeat a test row exactly or nearly.

A test score is worth nothing if the student has seen the test rows.
"""

from collections.abc import Iterator

import numpy as np

from stillhouse.data.duplicates import Finding, same_answer
from stillhouse.data.row_texts import TextTables
from stillhouse.data.text_similarity import near_pairs
from stillhouse.data.token_table import Flags, Hashes, Ints

_MAX_ROUNDS = 20


def exact_overlap(training: Ints, test: Ints, keys: Hashes) -> Iterator[Finding]:
    """Yield the rows of `training` with the content of a test row."""
    test_keys, first = np.unique(keys[test], return_index=True)
    for row in training[np.isin(keys[training], test_keys)].tolist():
        of = test[first[np.searchsorted(test_keys, keys[row])]]
        yield Finding(row, "contaminated_exact", int(of))


def near_overlap(
    training: Ints, test: Ints, texts: TextTables, labels: Ints, threshold: float, pairs: Ints
) -> tuple[list[Finding], int]:
    """Return the rows of `training` that are near a test row, and how many test rows still have one.

    A row with another label (-1: none) than the test row teaches something else and is no leak. `pairs` is what a
    first search found, if there was one. The search is repeated with a new seed until it finds nothing, so the last one
    checks those before. The count is 0 unless large clusters outlast the bounded number of searches.
    """
    is_test = np.zeros(len(labels), bool)
    is_test[test] = True
    is_training = np.zeros(len(labels), bool)
    is_training[training] = True
    found: list[Finding] = []
    for seed in range(1, _MAX_ROUNDS):
        for row, of in _across(pairs, is_training, is_test, labels).tolist():
            if is_training[row]:
                is_training[row] = False
                found.append(Finding(row, "contaminated_near", of))
        pairs, _ = near_pairs(texts, np.flatnonzero(is_training | is_test), threshold, seed)
        if not len(_across(pairs, is_training, is_test, labels)):
            return found, 0
    return found, len(np.unique(_across(pairs, is_training, is_test, labels)[:, 1]))


def _across(pairs: Ints, is_training: Flags, is_test: Flags, labels: Ints) -> Ints:
    """Return those of `pairs` that join a training row and a test row of no other label, in this order."""
    pairs = pairs[same_answer(pairs, labels, -1)]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return np.asarray(both[is_training[both[:, 0]] & is_test[both[:, 1]]], dtype=np.int64)
