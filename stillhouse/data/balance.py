"""Evens out the groups of the training rows: fewer of the common ones, more of the rare ones."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhouse.data.clusters import cluster_names
from stillhouse.data.draws import draw_keys
from stillhouse.data.parquet_io import TableWriter, batches, user_texts
from stillhouse.data.summaries import BalanceSummary
from stillhouse.data.token_table import Hashes, Ints
from stillhouse.recipe.data import Balance

UNLABELLED = "unlabelled"
Flags = npt.NDArray[np.bool_]


def balance(folder: Path, balance: Balance, out: Path) -> BalanceSummary:
    """Write `out`/train.parquet, and return the rows by group.

    `folder` is what split wrote. Rows keep their order. A hash of seed and content decides which rows of a group stay,
    so a grown group keeps most of its choice. The copies of a repeated row follow each other and share its id.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = folder / "train.parquet"
    groups = _groups(path, balance)
    keys = np.zeros(len(groups), np.uint64)
    if balance.by != "none":
        keys = np.concatenate([draw_keys(batch)[:, 0] for batch in batches(path, ["messages"])])
    times, summary = choose(groups, keys, balance)
    with TableWriter(out / "train.parquet") as table:
        start = 0
        for batch in batches(path):
            batch_times = times[start : start + batch.num_rows]
            table.write(batch.take(pa.array(np.repeat(np.arange(batch.num_rows), batch_times))))
            start += batch.num_rows
    assert table.rows == sum(summary.after.values()), "as many rows as planned"
    return summary


def choose(
    groups: Sequence[str | None], keys: Hashes, rule: Balance, is_given: Sequence[bool] = ()
) -> tuple[Ints, BalanceSummary]:
    """Return how often each row is taken, and the rows by group.

    Args:
        groups: of each row; a row of none is taken once, whatever the rule says.
        keys: one number a row, drawn from its content.
        is_given: which rows have a given label; these stay before others of their group.
    """
    names = sorted({group for group in groups if group is not None})
    code_of = {name: code for code, name in enumerate(names)}
    of_all = np.fromiter((-1 if group is None else code_of[group] for group in groups), np.int64, len(groups))
    grouped = np.flatnonzero(of_all >= 0)
    codes = of_all[grouped]
    before = np.bincount(codes, minlength=len(names))
    after = before if rule.by == "none" or not names else _targets(before, rule)
    later = ~np.array(is_given, bool)[grouped] if is_given else np.zeros(len(grouped), bool)
    times = np.ones(len(groups), np.int64)
    times[grouped] = _times(codes, before, after, _ranks(codes, keys[grouped], later, rule.seed))
    others = {UNLABELLED: len(groups) - len(grouped)} if len(grouped) < len(groups) else {}
    return times, BalanceSummary(
        by=rule.by,
        before=dict(zip(names, before.tolist(), strict=True)) | others,
        after=dict(zip(names, after.tolist(), strict=True)) | others,
        repeats=int(np.maximum(times - 1, 0).sum()),
    )


def _groups(path: Path, rule: Balance) -> list[str | None]:
    """Return each row's group; none for a row without a label, which the teacher's answer will put into one."""
    if rule.by == "cluster":
        return [*cluster_names(path, rule.clusters, rule.seed)]
    column = rule.by if rule.by in ("label", "source") else "messages"
    name: dict[str, Callable[[pa.RecordBatch], list[str | None]]] = {
        "none": lambda batch: ["all"] * batch.num_rows,
        "label": lambda batch: batch.column("label").to_pylist(),
        "source": lambda batch: batch.column("source").to_pylist(),
        "length": lambda batch: [_bucket(len(text)) for text in user_texts(batch)],
    }
    # one string a group: those of each batch are others, and of 10 million rows take half a gigabyte
    one: dict[str | None, str | None] = {}
    return [one.setdefault(group, group) for batch in batches(path, [column]) for group in name[rule.by](batch)]


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


def _ranks(codes: Ints, keys: Hashes, later: Flags, seed: int) -> Ints:
    """Return each row's rank within its group, in an order drawn by seed and content; those of `later` come last."""
    mixed = keys ^ (np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    order = np.lexsort((keys, mixed, later, codes))
    ranks = np.empty(len(codes), np.int64)
    ordered = codes[order]
    ranks[order] = np.arange(len(codes)) - np.searchsorted(ordered, ordered)
    return ranks


def _times(codes: Ints, before: Ints, after: Ints, ranks: Ints) -> Ints:
    """Return how often each row is taken: all rows of a group equally often, those of the first ranks once more."""
    whole, extra = np.divmod(after, before)
    return np.asarray(whole[codes] + (ranks < extra[codes]), dtype=np.int64)
