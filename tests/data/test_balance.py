from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.balance import balance
from stillhouse.recipe.data import Balance

ReadRows = Callable[..., Path]
ReadBack = Callable[[Path], list[dict[str, Any]]]
LABELS = ["a"] * 90 + ["b"] * 9 + [None]


@pytest.fixture
def balanced(tmp_path: Path, read_rows: ReadRows, read_back: ReadBack) -> Callable[..., Any]:
    """Return a function that balances records and gives the summary and the rows."""

    def run(records: list[dict[str, Any]], **rule: Any) -> Any:
        folder = read_rows(records)
        (folder / "rows.parquet").rename(folder / "train.parquet")
        summary = balance(folder, Balance(**rule), tmp_path / "balanced")
        return summary, read_back(tmp_path / "balanced" / "train.parquet")

    return run


def records(labels: list[str | None] = LABELS) -> list[dict[str, Any]]:
    return [{"text": f"message number {at}", "label": label} for at, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        ({"method": "cap", "cap": 20}, {"a": 20, "b": 9, "unlabelled": 1}),
        ({"method": "downsample"}, {"a": 9, "b": 9, "unlabelled": 1}),
        ({"method": "upsample"}, {"a": 90, "b": 90, "unlabelled": 1}),
        ({"method": "temperature", "temperature": 1.0}, {"a": 90, "b": 9, "unlabelled": 1}),
        # 99 rows shared out as sqrt(90) : sqrt(9), the largest remainder rounded up
        ({"method": "temperature", "temperature": 2.0}, {"a": 75, "b": 24, "unlabelled": 1}),
    ],
)
def test_balance_by_label_gives_each_group_its_size(
    balanced: Callable[..., Any], rule: dict[str, Any], after: dict[str, int]
) -> None:
    summary, rows = balanced(records(), by="label", **rule)
    assert summary.before == {"a": 90, "b": 9, "unlabelled": 1}
    assert summary.after == after
    assert Counter(row["label"] or "unlabelled" for row in rows) == after
    assert summary.repeats == len(rows) - len({row["id"] for row in rows})


def test_balance_upsample_repeats_every_row_about_equally_in_input_order(balanced: Callable[..., Any]) -> None:
    _, rows = balanced(records(), by="label", method="upsample")
    times = Counter(row["id"] for row in rows if row["label"] == "b")
    assert set(times.values()) == {10}
    places = [int(row["id"].split("-")[1]) for row in rows]
    assert places == sorted(places)


def test_balance_by_none_passes_all_rows_through(balanced: Callable[..., Any]) -> None:
    summary, rows = balanced(records(), by="none", method="downsample")
    assert summary.after == {"all": 100}
    assert [row["id"] for row in rows] == [f"train-{at}" for at in range(100)]


def test_balance_grown_group_keeps_most_of_its_choice(balanced: Callable[..., Any]) -> None:
    many = records(["a"] * 400)
    _, before = balanced(many[:200], by="label", method="cap", cap=50)
    _, after = balanced(many, by="label", method="cap", cap=50)
    old = {row["id"] for row in before}
    kept = [row["id"] for row in after if int(row["id"].split("-")[1]) < 200]
    assert set(kept) <= old
    _, other = balanced(many[:200], by="label", method="cap", cap=50, seed=1)
    assert {row["id"] for row in other} != old


def test_balance_by_length_uses_buckets_twice_as_wide(balanced: Callable[..., Any]) -> None:
    texts = [{"text": "x" * length} for length in (1, 32, 33, 64, 65)]
    summary, _ = balanced(texts, by="length")
    assert summary.before == {"00000-00032 chars": 2, "00033-00064 chars": 2, "00065-00128 chars": 1}


def test_balance_by_cluster_separates_topics_and_is_deterministic(balanced: Callable[..., Any]) -> None:
    card = [{"text": f"card payment declined shop {at}"} for at in range(40)]
    parcel = [{"text": f"parcel delivery late courier {at}"} for at in range(10)]
    rule = {"by": "cluster", "clusters": 2, "method": "downsample"}
    summary, rows = balanced(card + parcel, **rule)
    assert sorted(summary.before.values()) == [10, 40]
    assert sorted(summary.after.values()) == [10, 10]
    assert balanced(card + parcel, **rule) == (summary, rows)
