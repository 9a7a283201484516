import itertools

import numpy as np
import pytest
from scipy import optimize, stats

from stillhouse.gate.shares import above_p_value, better_p_value, pair_shares, score


def answers(both: int, ours: int, theirs: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Return right and wrong answers of two models with these counts of rows."""
    counts = (both, ours, theirs, neither)
    return np.repeat([1, 1, 0, 0], counts).astype(bool), np.repeat([1, 0, 1, 0], counts).astype(bool)


def likelihood_score(b: int, c: int, n: int, bound: float) -> float:
    """Return the score test by its definition: the variance of b - c at the shares that maximise the likelihood."""

    def lost(theirs: float) -> float:
        shares = np.array([theirs + bound, theirs, 1 - 2 * theirs - bound])
        counts = np.array([b, c, n - b - c])
        return -float((counts[counts > 0] * np.log(shares[counts > 0])).sum())

    low, high = max(0.0, -bound) + 1e-12, (1 - bound) / 2 - 1e-12
    q = optimize.minimize_scalar(lost, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (b - c - n * bound) / np.sqrt(n * (2 * q + bound - bound**2))


@pytest.mark.parametrize(
    ("b", "c", "n"), [(12, 9, 250), (0, 3, 100), (4, 0, 100), (0, 0, 250), (60, 71, 1000), (1, 30, 100)]
)
@pytest.mark.parametrize("bound", [-0.05, -0.02, -0.2, 0.03])
def test_score_is_that_of_the_likelihood_under_the_bound(b, c, n, bound):
    assert float(score(b, c, n, bound)) == pytest.approx(likelihood_score(b, c, n, bound), abs=2e-3)


def test_score_at_no_difference_is_mcnemar_s():
    assert float(score(30, 12, 400, 0.0)) == pytest.approx((30 - 12) / np.sqrt(42))


def test_above_p_value_rises_with_the_bound():
    pair = pair_shares(*answers(80, 6, 9, 5))
    found = [above_p_value(pair, bound) for bound in np.linspace(-0.5, 0.5, 41)]
    assert found == sorted(found)
    assert found[0] < 1e-6
    assert found[-1] > 1 - 1e-6


def test_above_p_value_without_a_difference_needs_rows_for_the_margin():
    # of rows that are all alike, one in fifty could still differ with 100 of them, and not with 1,000
    few, many = (pair_shares(*answers(rows, 0, 0, 0)) for rows in (100, 1000))
    assert above_p_value(few, -0.02) > 0.025
    assert above_p_value(many, -0.02) < 0.025


@pytest.mark.parametrize(("ours", "theirs"), [(14, 3), (3, 14), (0, 0), (1, 0), (200, 160)])
def test_better_p_value_of_rows_is_the_exact_mcnemar_test(ours, theirs):
    expected = stats.binomtest(ours, ours + theirs, 0.5, alternative="greater").pvalue if ours + theirs else 1.0
    pair = pair_shares(*answers(20, ours, theirs, 20))
    assert better_p_value(pair.sums) == pytest.approx(expected, rel=1e-9)


def test_better_p_value_of_groups_is_that_of_every_sign():
    sums = np.array([3, -1, 2, 0, 2, -2, 1, 4])
    every = [np.dot(signs, np.abs(sums)) for signs in itertools.product((-1, 1), repeat=sums.size)]
    assert better_p_value(sums) == pytest.approx(np.mean(np.array(every) >= sums.sum()))


def test_groups_of_rows_that_go_together_say_less():
    ours, theirs = answers(150, 12, 28, 60)
    together = np.repeat(np.arange(50), 5)
    alone = pair_shares(ours, theirs)
    grouped = pair_shares(ours, theirs, together)  # the rows that differ lie side by side
    assert grouped.design_effect > 3
    assert above_p_value(grouped, -0.15) > above_p_value(alone, -0.15)
    assert better_p_value(-grouped.sums) > better_p_value(-alone.sums)


def test_pair_shares_of_other_rows_is_refused():
    with pytest.raises(ValueError, match="the same rows for both"):
        pair_shares([True, False], [True])
