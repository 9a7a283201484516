"""Finds rows with the same text, exactly (normalised content) or nearly (word set), and those with conflicting labels.

It works on columns of numbers, not on rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from stillhouse.data.text_similarity import Ints, WordTable, near_pairs

Conflicts = Literal["drop", "majority"]
_MAX_ROUNDS = 20


@dataclass(frozen=True)
class Finding:
    """A row to drop, why, and the row (or -1) that it repeats."""

    row: int
    reason: str
    of: int


def content_keys(digests: list[str]) -> npt.NDArray[np.uint64]:
    """Return the first 128 bits of each hexadecimal SHA-256, as two numbers: shape (digests, 2)."""
    return np.frombuffer(bytes.fromhex("".join(digests)), dtype=">u8").reshape(-1, 4)[:, :2].astype(np.uint64)


def exact(rows: Ints, keys: npt.NDArray[np.uint64], labels: Ints, mode: Conflicts) -> Iterator[Finding]:
    """Yield rows with one content and conflicting labels, then repeats; the earliest row stays, a labelled one first.

    `keys` and `labels` (a code, -1 for none) are indexed by row.
    """
    lost = rows[conflicting(keys[rows], labels[rows], mode)]
    yield from (Finding(row, "conflicting_labels", -1) for row in lost.tolist())
    rows = np.setdiff1d(rows, lost)
    ordered = rows[np.lexsort((rows, labels[rows] < 0))]
    frame = pl.DataFrame({"row": ordered, "key": keys[ordered]})
    repeats = frame.with_columns(pl.col("row").first().over("key").alias("of")).filter(pl.col("row") != pl.col("of"))
    yield from (Finding(row, "exact_duplicate", of) for row, of in repeats.select("row", "of").iter_rows())


def near(rows: Ints, words: WordTable, labels: Ints, threshold: float, mode: Conflicts) -> Iterator[Finding]:
    """Yield near-duplicates with conflicting labels, then near-duplicates of a row that stays (as in `exact`).

    Rows that are linked by near-duplicates, directly or over others, count as one text for conflicts. A near-duplicate
    is dropped only if it is near the very row that stays.
    """
    suspects = rows
    for seed in range(_MAX_ROUNDS):
        pairs, suspects = near_pairs(words, suspects, threshold, seed)
        found = [*_near_round(pairs, labels, mode)]
        if not found:
            return
        yield from found
        suspects = np.setdiff1d(suspects, np.array([finding.row for finding in found]))


def _near_round(pairs: Ints, labels: Ints, mode: Conflicts) -> Iterator[Finding]:
    rows, positions = np.unique(pairs, return_inverse=True)
    group = components(positions.reshape(-1, 2), len(rows))
    lost = set(rows[conflicting(group, labels[rows], mode)].tolist())
    yield from (Finding(row, "conflicting_labels", -1) for row in sorted(lost))
    rank = np.empty(len(rows), np.int64)
    rank[np.lexsort((rows, labels[rows] < 0))] = np.arange(len(rows))
    ranks = np.sort(rank[positions.reshape(-1, 2)], axis=1)
    by_rank = rows[np.argsort(rank)].tolist()
    for first, second in ranks[np.lexsort((ranks[:, 0], ranks[:, 1]))].tolist():
        kept, row = by_rank[first], by_rank[second]
        if kept not in lost and row not in lost:
            lost.add(row)
            yield Finding(row, "near_duplicate", kept)


def components(pairs: Ints, count: int) -> Ints:
    """Return the number of the connected component of each of `count` items, joined by `pairs` of shape (n, 2)."""
    links = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def conflicting(groups: npt.NDArray[np.generic], labels: Ints, mode: Conflicts) -> npt.NDArray[np.bool_]:
    """Return which labelled rows to drop since their group has several labels (-1: none).

    In mode `majority` the rows with the group's most frequent label stay; a tie drops all.
    """
    frame = pl.DataFrame({"group": groups, "label": labels}).with_row_index("at").filter(pl.col("label") >= 0)
    votes = frame.group_by("group", "label").len().filter(pl.len().over("group") > 1)
    if mode == "majority":
        top = pl.col("len") == pl.col("len").max().over("group")
        votes = votes.filter(~top | (top.sum().over("group") > 1))
    lost = np.zeros(len(labels), bool)
    lost[frame.join(votes, on=["group", "label"], how="semi")["at"].to_numpy()] = True
    return lost
