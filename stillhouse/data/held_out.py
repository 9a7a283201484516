"""Finds rows that repeat one held out, whether for testing or for validation, before any model learns from them."""

from dataclasses import replace

import numpy as np

from stillhouse.data.contamination import exact_overlap, near_overlap
from stillhouse.data.duplicates import Finding, by_row
from stillhouse.data.group_split import Groups, group_overlap
from stillhouse.data.row_index import RowIndex, remaining
from stillhouse.data.shared_runs import run_overlap
from stillhouse.data.token_table import Flags, Ints
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data

Findings = dict[int, Finding]


def check_test_source(index: RowIndex, is_test: Flags) -> None:
    """Refuse test rows that are (mostly) rows to learn from.

    Raises:
        DataError: they are.
    """
    keys, own = index.keys, index.of_source("validation")
    test, train = keys[is_test], keys[index.of_source("train")]
    shared = int(np.isin(test, keys[~is_test & ~own]).sum())
    if set(test.tolist()) == set(train.tolist()):
        raise DataError(
            f"data.test equals data.train: the same {len(test)} rows. A test needs rows that training never saw; name "
            "another file, or leave data.test out to hold a share of data.train out."
        )
    if shared * 2 > len(test):
        raise DataError(
            f"data.test overlaps the training data: {shared} of its {len(test)} rows are in both. Name a test "
            "file of other rows, or leave data.test out to hold a share of data.train out."
        )


def check_validation_source(index: RowIndex) -> None:
    """Refuse rows of `validation` that are mostly test rows, or all that there is to learn from.

    That some are training rows too is usual, where they were labelled out of these: training does without them.

    Raises:
        DataError: they are.
    """
    keys = index.keys
    own, test, train = (keys[index.of_source(source)] for source in ("validation", "test", "train"))
    if len(own) and set(own.tolist()) >= set(train.tolist()):
        raise DataError(
            f"data.validation holds all {len(train)} rows of data.train. No model may learn from validation rows; name "
            "a file of other rows, or leave data.validation out to take a share of data.train."
        )
    shared = int(np.isin(own, test).sum())
    if shared * 2 > len(own):
        raise DataError(
            f"data.validation overlaps data.test: {shared} of its {len(own)} rows are in both. Choices are made on "
            "validation rows, and test rows must have no part in them: name a file of other rows, or set "
            "data.validation to null."
        )


def find_leaks(
    index: RowIndex, held: Flags, others: Flags, *, data: Data, pairs: Ints, groups: Groups
) -> tuple[Findings, int]:
    """Return which of `others` repeat a row that is `held` out or are of its group, and how many of `held` a last
    search still finds near one.

    `pairs` are the near-duplicates at `data.near_duplicate_similarity`.
    """
    drops = {row: found for row, found in by_row(group_overlap(held, groups)).items() if others[row]}
    rows, still_near = np.flatnonzero(held), 0
    drops |= by_row(exact_overlap(remaining(others, drops), rows, index.keys))
    if (threshold := data.test_similarity) is not None:
        known = pairs if threshold == data.near_duplicate_similarity else pairs[:0]
        found, still_near = near_overlap(remaining(others, drops), rows, index.texts, index.labels, threshold, known)
        drops |= by_row(found)
    if (words := data.test_run_words) is not None:
        drops |= by_row(run_overlap(remaining(others, drops), rows, index.texts, index.labels, words))
    return drops, still_near


def of_validation(found: Findings) -> Findings:
    """Return findings about test rows as such about validation rows."""
    reasons = {
        "contaminated_exact": "validation_exact",
        "contaminated_near": "validation_near",
        "contaminated_run": "validation_run",
        "group_in_test": "group_in_validation",
    }
    return {row: replace(one, reason=reasons[one.reason]) for row, one in found.items()}
