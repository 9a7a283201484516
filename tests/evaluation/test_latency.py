import numpy as np
import pytest

from stillhouse.evaluation.latency import reduction_interval
from stillhouse.recipe.evaluation import Evaluation

SETTINGS = Evaluation(resamples=2000)


def test_reduction_interval_of_every_resample():
    # three pairs have 27 resamples; a median of three is one of them
    ours, theirs = [1.0, 2.0, 4.0], [8.0, 10.0, 5.0]
    draws = np.stack(np.meshgrid(range(3), range(3), range(3)), axis=-1).reshape(-1, 3)
    exact = [1 - np.median(np.take(ours, one)) / np.median(np.take(theirs, one)) for one in draws]
    found = reduction_interval(ours, theirs, Evaluation(resamples=20_000, confidence=0.6), are_paired=True)
    assert found is not None
    assert found.value == pytest.approx(1 - 2 / 8)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(exact, [0.2, 0.8])), abs=0.01)


def test_reduction_interval_of_pairs_is_narrower_where_rows_slow_both():
    work = np.random.default_rng(0).lognormal(size=50)
    pairs, apart = (reduction_interval(work, work * 4, SETTINGS, are_paired=paired) for paired in (True, False))
    assert pairs is not None
    assert apart is not None
    assert (pairs.low, pairs.high) == pytest.approx((0.75, 0.75))
    assert apart.low < 0.7 < 0.8 < apart.high


def test_reduction_interval_covers_the_truth():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        ours, theirs = rng.lognormal(0, 0.3, 50), rng.lognormal(np.log(4), 0.3, 50)
        found = reduction_interval(ours, theirs, Evaluation(resamples=300), are_paired=False)
        assert found is not None
        hits += found.low <= 0.75 <= found.high
    assert 0.9 <= hits / 300 <= 0.99


def test_reduction_interval_without_times_is_none():
    assert reduction_interval([], [1.0], SETTINGS, are_paired=False) is None
