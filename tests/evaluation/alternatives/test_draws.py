"""Draws of labelled rows: which rows, and how many."""

import itertools
from collections import Counter

import numpy as np
import pytest

from stillhouse.evaluation.alternatives import draws
from stillhouse.evaluation.alternatives.draws import draw_rows, draw_sizes, rows_of_orders

LABELS = ["a"] * 5 + ["b"] * 9 + ["c"]


def test_draw_rows_are_stratified_and_each_holds_the_smaller_ones_of_its_order():
    found = list(draw_rows(LABELS, seed=3))
    assert {(one.most_a_class, one.order) for one in found} == {(k, at) for k in (1, 2, 4, 8) for at in range(20)}
    for one in found:
        counts = Counter(LABELS[row] for row in one.rows)
        assert counts == {"a": min(5, one.most_a_class), "b": one.most_a_class, "c": 1}
    for smaller, larger in itertools.pairwise(found):
        assert smaller.order != larger.order or set(smaller.rows) < set(larger.rows)


def test_draw_rows_orders_differ_and_a_seed_repeats_them():
    first, again, other = (list(draw_rows(LABELS, seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(one.rows, same.rows) for one, same in zip(first, again, strict=True))
    assert not all(np.array_equal(one.rows, same.rows) for one, same in zip(first, other, strict=True))
    assert len({tuple(one.rows) for one in first if one.most_a_class == 2}) > 5


@pytest.mark.parametrize(
    ("labels", "sizes"),
    [(["a", "b"], []), (["a"] * 2 + ["b"] * 2, [1]), (["a"] * 4 + ["b"], [1, 2]), (LABELS, [1, 2, 4, 8]), ([], [])],
)
def test_draw_sizes_never_take_every_row(labels: list[str], sizes: list[int]):
    assert draw_sizes(labels) == sizes


def test_draws_of_many_rows_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draws, "MOST_ROWS", 12)
    monkeypatch.setattr(draws, "MOST_DRAWN", 6)
    monkeypatch.setattr(draws, "LARGE", 3)
    labels = [LABELS[row] for row in rows_of_orders(LABELS, seed=0)]
    assert Counter(labels) == {"a": 5, "b": 6, "c": 1}
    assert Counter(len(one.rows) for one in draw_rows(labels, seed=0)) == {3: 20, 5: 10}
    assert len(rows_of_orders(LABELS[:12], seed=0)) == 12
