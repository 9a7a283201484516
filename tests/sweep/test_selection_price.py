"""The price of the choice, on rows where the truth is known."""

import numpy as np
import pytest

from stillhouse.metrics.metric import mean_statistic
from stillhouse.sweep.selection_price import selection_price

ROWS = 200


def price_of(scores: np.ndarray):
    found = selection_price([mean_statistic(one) for one in scores], scores.shape[1], confidence=0.95, seed=0)
    assert found is not None
    return found


def test_selection_price_equal_trials_expected_is_their_common_truth():
    # 20 trials that are all right on half of the rows: the best of them looks better, and is not
    chosen, expected = [], []
    for seed in range(20):
        found = price_of(np.random.default_rng(seed).integers(2, size=(20, ROWS)).astype(float))
        chosen.append(found.chosen)
        expected.append(found.expected)
        assert found.low <= found.expected <= found.high
    assert np.mean(chosen) > 0.55
    assert np.mean(expected) == pytest.approx(0.5, abs=0.02)


def test_selection_price_one_trial_far_ahead_costs_nothing():
    rng = np.random.default_rng(1)
    scores = (rng.random((8, ROWS)) < 0.3).astype(float)
    scores[3] = rng.random(ROWS) < 0.95
    found = price_of(scores)
    assert found.chosen == scores[3].mean()
    assert abs(found.optimism) < 0.005


def test_selection_price_identical_trials_cost_nothing():
    found = price_of(np.tile(np.random.default_rng(2).integers(2, size=ROWS).astype(float), (5, 1)))
    assert abs(found.optimism) < 0.005


def test_selection_price_agrees_with_a_plain_calculation():
    scores = np.random.default_rng(3).integers(2, size=(3, 12)).astype(float)
    found = selection_price([mean_statistic(one) for one in scores], 12, confidence=0.9, seed=5, resamples=50)
    rng, kept = np.random.default_rng(5), []
    for _ in range(50):
        drawn = rng.integers(12, size=12)
        out = [row for row in range(12) if row not in set(drawn.tolist())]
        if out:
            best = int(np.argmax([sum(float(scores[at, row]) for row in drawn) for at in range(3)]))
            kept.append(sum(float(scores[best, row]) for row in out) / len(out))
    assert found is not None
    assert found.expected == pytest.approx(float(np.mean(kept)))
    assert found.resamples == len(kept)


def test_selection_price_of_a_single_trial_is_none():
    assert selection_price([mean_statistic([1.0, 0.0])], 2, confidence=0.95, seed=0) is None
