"""A total forecast from a sample, against what it really was."""

import random

import numpy as np
import pytest

from stillhouse.costs.forecast import Range, exact_range, forecast_share, forecast_sum, sum_ranges


def test_forecast_sum_straight_line_is_exact():
    x = [float(n) for n in range(1, 33)]
    missing = [100.0, 7.0, 41.0]
    found = forecast_sum(x, [3 + 2 * one for one in x], missing)
    assert found is not None
    assert found.value == pytest.approx(9 + 2 * 148)
    assert found.high - found.low == pytest.approx(0.0, abs=1e-6)


def test_forecast_sum_matches_the_textbook_interval():
    # by hand: x 1..4, y 2 4 5 9: slope 2.2, intercept -0.5, residuals .3 .1 -1.1 .7, s^2 = 1.8 / 2, t(2) = 4.3027
    found = forecast_sum([1, 2, 3, 4], [2, 4, 5, 9], [5, 7])
    assert found is not None
    assert found.value == pytest.approx(10.5 + 14.9)
    half = 4.302653 * 0.9**0.5 * 2 * (1 / 2 + 1 / 4 + (6 - 2.5) ** 2 / 5) ** 0.5
    assert (found.low, found.high) == (pytest.approx(max(0.0, 25.4 - half)), pytest.approx(25.4 + half))


def test_forecast_sum_equal_lengths_is_the_mean():
    found = forecast_sum([5, 5, 5], [1, 2, 3], [5, 5, 5, 5])
    assert found is not None
    assert found.value == pytest.approx(8.0)
    assert found.high == pytest.approx(8 + 4.302653 * 4 * (1 / 4 + 1 / 3) ** 0.5)


def test_forecast_sum_stays_within_its_bounds():
    found = forecast_sum([1, 2, 3], [10, 20, 30], [100, 200], most=40)
    assert found is not None
    assert (found.value, found.high) == (80.0, 80.0)


@pytest.mark.parametrize(("x", "y", "bounded"), [([], [], None), ([3], [4], False), ([3, 4], [4, 6], True)])
def test_forecast_sum_tiny_sample_has_no_bounds(x, y, bounded):
    found = forecast_sum(x, y, [3.0, 4.0])
    if bounded is None:
        assert found is None
        return
    assert found is not None
    assert (found.low is not None) == bounded


def test_forecast_sum_nothing_missing_is_zero():
    assert forecast_sum([], [], []) == exact_range(0.0)
    assert forecast_share(0, 0, 0) == exact_range(0.0)


@pytest.mark.parametrize("slope", [0.0, 0.6])
def test_forecast_sum_interval_covers_the_truth_in_95_percent(slope):
    rng = np.random.default_rng(7)
    hits, errors, trials = 0, [], 400
    for _ in range(trials):
        x = rng.uniform(20, 200, 500)
        y = 30 + slope * x + rng.normal(0, 12, 500)
        found = forecast_sum(x[:32], y[:32], x[32:])
        actual = y[32:].sum()
        assert found is not None
        hits += found.low <= actual <= found.high
        errors.append(found.value / actual - 1)
    # 380 expected; four standard errors are 17
    assert 363 <= hits <= 397
    assert abs(float(np.mean(errors))) < 0.01


def test_forecast_sum_with_lengths_is_nearer_than_without():
    rng = random.Random(3)
    with_lengths, without = [], []
    for _ in range(100):
        x = [rng.uniform(20, 400) for _ in range(300)]
        y = [0.5 * one + rng.gauss(0, 5) for one in x]
        actual = sum(y[32:])
        for found, errors in ((forecast_sum(x[:32], y[:32], x[32:]), with_lengths),
                              (forecast_sum([0] * 32, y[:32], x[32:]), without)):  # fmt: skip
            assert found is not None
            errors.append(abs(found.value / actual - 1))
    assert np.mean(with_lengths) < 0.3 * np.mean(without)


def test_forecast_share_matches_wilsons_interval():
    found = forecast_share(24, 32, 1000)
    # Wilson 1927, by hand with z = 1.96: centre (0.75 + 0.06002) / 1.12005, half 1.96 * sqrt(...) / 1.12005
    z2 = 1.959964**2
    centre = (0.75 + z2 / 64) / (1 + z2 / 32)
    half = (z2 * (0.75 * 0.25 / 32 + z2 / 4 / 32**2)) ** 0.5 / (1 + z2 / 32)
    assert found is not None
    assert (found.value, found.low, found.high) == (
        pytest.approx(750),
        pytest.approx(1000 * (centre - half)),
        pytest.approx(1000 * (centre + half)),
    )


def test_sum_ranges_unknown_part_is_unknown():
    assert sum_ranges([exact_range(1.0), None]) is None
    assert sum_ranges([Range(value=1, low=None, high=None), exact_range(2.0)]) == Range(value=3, low=None, high=None)
    assert sum_ranges([Range(value=5, low=4, high=7), exact_range(2.0)]) == Range(value=7, low=6, high=9)


def test_recentred_range_keeps_its_width_above_zero():
    assert Range(value=10, low=8, high=13).recentred(12) == Range(value=12, low=10, high=15)
    assert Range(value=10, low=2, high=13).recentred(5).low == 0.0
