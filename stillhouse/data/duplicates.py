"""Finds rows that are the same text or nearly so, and those whose labels contradict each other.

It works on columns of numbers, not on rows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from stillhouse.data.row_texts import TextTables
from stillhouse.data.text_similarity import near_pairs
from stillhouse.data.token_table import Hashes, Ints

Conflicts = Literal["drop", "majority"]
_MAX_ROUNDS = 20


Span = tuple[int, int, int]  # a table of TextTables.spoken, and first and last-but-one token of its text


@dataclass(frozen=True)
class Finding:
    """A row to drop, why, and the row (or -1) that it repeats."""

    row: int
    reason: str
    of: int
    shared: Span | None = None  # the run of words that both have


def by_row(findings: Iterable[Finding]) -> dict[int, Finding]:
    """Return the findings by the row they drop."""
    return {found.row: found for found in findings}


def content_keys(digests: list[str]) -> npt.NDArray[np.uint64]:
    """Return the first 128 bits of each hexadecimal SHA-256, as two numbers: shape (digests, 2)."""
    return digest_keys(bytes.fromhex("".join(digests)))


def digest_keys(digests: bytes) -> npt.NDArray[np.uint64]:
    """Return the first 128 bits of each SHA-256 of `digests`, one after the other: shape (digests, 2)."""
    return np.frombuffer(digests, dtype=">u8").reshape(-1, 4)[:, :2].astype(np.uint64)


def conflicts(rows: Ints, keys: Hashes, labels: Ints, mode: Conflicts) -> Iterator[Finding]:
    """Yield the rows of one text with several labels, each with a row that says otherwise.

    `keys` (equal for the same text) and `labels` (a code, -1 for none) are indexed by row. In mode `majority` the rows
    with a text's most frequent label stay; a tie drops all.
    """
    labelled = pl.DataFrame({"row": rows, "key": keys[rows], "label": labels[rows]}).filter(pl.col("label") >= 0)
    labelled = labelled.filter(pl.col("key").is_duplicated())  # few, so that what follows takes no time
    several = labelled.filter(pl.col("label").n_unique().over("key") > 1)
    lost = several
    if mode == "majority":
        votes = several.group_by("key", "label").len()
        top = pl.col("len") == pl.col("len").max().over("key")
        lost = several.join(votes.filter(~top | (top.sum().over("key") > 1)), on=["key", "label"], how="semi")
    firsts = several.group_by("key", "label").agg(pl.col("row").min().alias("of"))
    found = (
        lost.join(firsts, on="key")
        .filter(pl.col("label") != pl.col("label_right"))
        .group_by("row")
        .agg(pl.col("of").min())
    )
    yield from (Finding(row, "conflicting_labels", of) for row, of in found.sort("row").iter_rows())


def repeats(rows: Ints, keys: Hashes, answers: Hashes) -> Iterator[Finding]:
    """Yield the rows that are the same text as an earlier row with the same answer; one without is dropped for any.

    `answers` (0: none) are indexed by row, like `keys`.
    """
    ordered = rows[np.lexsort((rows, answers[rows] == 0))]  # a row with an answer stays before one without
    frame = pl.DataFrame({"row": ordered, "key": keys[ordered], "answer": answers[ordered]})
    frame = frame.filter(pl.col("key").is_duplicated())
    same = pl.when(pl.col("answer") == 0).then(pl.col("row").first().over("key"))
    frame = frame.with_columns(same.otherwise(pl.col("row").first().over("key", "answer")).alias("of"))
    found = frame.filter(pl.col("row") != pl.col("of")).select("row", "of")
    yield from (Finding(row, "exact_duplicate", of) for row, of in found.iter_rows())


def near(rows: Ints, texts: TextTables, answers: Hashes, threshold: float, tools: Hashes) -> Iterator[Finding]:
    """Yield near-duplicates of a row that stays; rows with different answers or `tools` are none of each other.

    Of two the one with an answer stays, then the earlier. A row is dropped only if it is near the very row that stays.
    """
    suspects, idle, is_crowded = rows, 0, False
    for seed in range(_MAX_ROUNDS):
        # where rows of other answers crowd out those of the same, every second search is among the latter alone
        groups = answers ^ tools if is_crowded and seed % 2 else None
        pairs, suspects = near_pairs(texts, suspects, threshold, seed, groups)
        same = same_answer(pairs, answers) & (tools[pairs[:, 0]] == tools[pairs[:, 1]])
        is_crowded = is_crowded or not same.all()
        found = [*_near_round(pairs[same], answers)]
        yield from found
        idle = 0 if found else idle + 1
        if idle > is_crowded:
            return
        suspects = np.setdiff1d(suspects, np.array([finding.row for finding in found], np.int64))


def same_answer(pairs: Ints, answers: npt.NDArray[np.generic], none: int = 0) -> npt.NDArray[np.bool_]:
    """Return which pairs have the same answer, or `none` on one side."""
    left, right = answers[pairs[:, 0]], answers[pairs[:, 1]]
    return np.asarray((left == right) | (left == none) | (right == none))


def _near_round(pairs: Ints, answers: Hashes) -> Iterator[Finding]:
    rows, positions = np.unique(pairs, return_inverse=True)
    rank = np.empty(len(rows), np.int64)
    rank[np.lexsort((rows, answers[rows] == 0))] = np.arange(len(rows))
    ranks = np.sort(rank[positions.reshape(-1, 2)], axis=1)
    by_rank = rows[np.argsort(rank)].tolist()
    lost: set[int] = set()
    for first, second in ranks[np.lexsort((ranks[:, 0], ranks[:, 1]))].tolist():
        kept, row = by_rank[first], by_rank[second]
        if kept not in lost and row not in lost:
            lost.add(row)
            yield Finding(row, "near_duplicate", kept)


def components(pairs: Ints, count: int) -> Ints:
    """Return the number of the connected component of each of `count` items, joined by `pairs` of shape (n, 2)."""
    # imported here: it takes a while to load, and a run that finds its rows in the store needs none of it
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
