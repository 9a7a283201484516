"""Evens out the groups of the training rows: fewer of the common ones, more of the rare ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from stillhouse.data.clusters import cluster_names
from stillhouse.data.draws import draw_keys
from stillhouse.data.parquet_io import TableWriter, batches, user_texts
from stillhouse.data.summaries import BalanceSummary
from stillhouse.data.token_table import Ints
from stillhouse.recipe.data import Balance


def balance(folder: Path, balance: Balance, out: Path) -> BalanceSummary:
    """Write `out`/train.parquet, and return the rows by group.

    `folder` is what split wrote. Rows keep their order. A hash of seed and content decides which rows of a group stay,
    so a grown group keeps most of its choice. The copies of a repeated row follow each other and share its id.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = folder / "train.parquet"
    groups = _groups(path, balance)
    names = sorted(set(groups))
    code_of = {name: code for code, name in enumerate(names)}
    codes = np.fromiter((code_of[group] for group in groups), np.int64, len(groups))
    before = np.bincount(codes, minlength=len(names))
    after = before if balance.by == "none" else _targets(before, balance)
    ranks = np.zeros(len(codes), np.int64) if balance.by == "none" else _ranks(path, codes, balance.seed)
    times = _times(codes, before, after, ranks)
    with TableWriter(out / "train.parquet") as table:
        start = 0
        for batch in batches(path):
            batch_times = times[start : start + batch.num_rows]
            table.write(batch.take(pa.array(np.repeat(np.arange(batch.num_rows), batch_times))))
            start += batch.num_rows
    assert table.rows == after.sum(), "as many rows as planned"
    return BalanceSummary(
        by=balance.by,
        before=dict(zip(names, before.tolist(), strict=True)),
        after=dict(zip(names, after.tolist(), strict=True)),
        repeats=int(np.maximum(times - 1, 0).sum()),
    )


def _groups(path: Path, rule: Balance) -> list[str]:
    if rule.by == "cluster":
        return cluster_names(path, rule.clusters, rule.seed)
    column = rule.by if rule.by in ("label", "source") else "messages"
    name: dict[str, Callable[[pa.RecordBatch], list[str]]] = {
        "none": lambda batch: ["all"] * batch.num_rows,
        "label": lambda batch: batch.column("label").fill_null("unlabelled").to_pylist(),
        "source": lambda batch: batch.column("source").to_pylist(),
        "length": lambda batch: [_bucket(len(text)) for text in user_texts(batch)],
    }
    return [group for batch in batches(path, [column]) for group in name[rule.by](batch)]


def _bucket(length: int) -> str:
    """Return the name of the bucket of a prompt of `length` characters; each is twice as wide as the one before."""
    top = max(32, 1 << max(length - 1, 1).bit_length())
    return f"{top // 2 + 1 if top > 32 else 0:05d}-{top:05d} chars"


def _targets(before: Ints, rule: Balance) -> Ints:
    """Return how many rows each group is to have."""
    if rule.method == "cap":
        return np.minimum(before, rule.cap)
    if rule.method == "temperature":
        weights = before ** (1.0 / rule.temperature)
        exact = weights / weights.sum() * before.sum()
        floor = np.maximum(np.floor(exact).astype(np.int64), 1)
        missing = int(before.sum() - floor.sum())  # the largest remainders get what rounding left over
        floor[np.argsort(floor - exact, kind="stable")[: max(missing, 0)]] += 1
        return np.asarray(floor, dtype=np.int64)
    size = before.min() if rule.method == "downsample" else before.max()
    return np.full_like(before, size)


def _ranks(path: Path, codes: Ints, seed: int) -> Ints:
    """Return each row's rank within its group, in an order drawn by seed and content."""
    keys = np.concatenate([draw_keys(batch)[:, 0] for batch in batches(path, ["messages"])])
    mixed = keys ^ (np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    order = np.lexsort((keys, mixed, codes))
    ranks = np.empty(len(codes), np.int64)
    ordered = codes[order]
    ranks[order] = np.arange(len(codes)) - np.searchsorted(ordered, ordered)
    return ranks


def _times(codes: Ints, before: Ints, after: Ints, ranks: Ints) -> Ints:
    """Return how often each row is taken: all rows of a group equally often, those of the first ranks once more."""
    whole, extra = np.divmod(after, before)
    return np.asarray(whole[codes] + (ranks < extra[codes]), dtype=np.int64)
