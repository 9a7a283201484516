"""Where a learning curve crosses a quality, and how sure that is."""

import math

import numpy as np
import pytest

from stillhouse.evaluation.label_worth import Draws, Sampled, Size, crossing, error_of_mean, label_worth
from stillhouse.metrics.metric import mean_statistic
from stillhouse.recipe.evaluation import Evaluation

LABELS = np.asarray([10.0, 20.0, 40.0])


@pytest.mark.parametrize(
    ("values", "level", "expected"),
    [
        ([0.2, 0.4, 0.6], 0.3, 10 * math.sqrt(2)),  # half of the way in value is half of the way on a log scale
        ([0.2, 0.4, 0.6], 0.4, 20),
        ([0.2, 0.4, 0.6], 0.6, 40),
        ([0.2, 0.4, 0.6], 0.601, math.inf),
        ([0.2, 0.4, 0.6], 0.2, -math.inf),
        ([0.3, 0.5, 0.4], 0.44, 10 * 2 ** (0.14 / 0.15)),  # the last two are pooled to 0.45
        ([0.3, 0.5, 0.4], 0.46, math.inf),
        ([0.5, 0.5, 0.5], 0.5, -math.inf),
    ],
)
def test_crossing_is_read_off_the_growing_curve(values: list[float], level: float, expected: float):
    assert crossing(LABELS, np.asarray(values), level) == pytest.approx(expected)


@pytest.mark.parametrize(("drawn", "draws"), [(2, 20), (4, 20), (6, 5)])
def test_error_of_mean_is_the_spread_over_pools_of_rows(drawn: int, draws: int):
    # the oracle: pools of 8 numbers, of which means of `drawn` are taken
    rng, means, spreads = np.random.default_rng(0), [], []
    for _ in range(3000):
        pool = rng.normal(size=8)
        values = [pool[rng.permutation(8)[:drawn]].mean() for _ in range(draws)]
        means.append(np.mean(values))
        spreads.append(np.var(values, ddof=1))
    expected = error_of_mean(math.sqrt(np.mean(spreads)), drawn / 8, draws)
    assert np.std(means) == pytest.approx(expected, rel=0.05)


def simulated(rng: np.random.Generator, num_pool: int = 32, num_tests: int = 150, draws: int = 20) -> list[Size]:
    """A learner whose share of right rows grows by 0.1 with each doubling of labels, by the quality of its labels."""
    quality, ease = rng.normal(0, 0.2, num_pool), rng.random(num_tests)
    sizes = []
    for labels in (4, 8, 16, num_pool):
        picked = [rng.permutation(num_pool)[:labels] for _ in range(draws if labels < num_pool else 1)]
        shares = [0.1 * math.log2(labels) + quality[rows].mean() for rows in picked]
        right = np.asarray([ease < share for share in shares], dtype=float)
        sizes.append(Size(labels, num_pool, {"one": Draws(mean_statistic(right.mean(axis=0).tolist()), right.mean(1))}))
    return sizes


def test_label_worth_interval_holds_the_true_crossing():
    rng, num_held, times = np.random.default_rng(1), 0, 120
    for seed in range(times):
        sizes = simulated(rng)
        level = mean_statistic((rng.random(150) < 0.36).astype(float).tolist())
        worth = label_worth(sizes, {"student": level}, 150, Evaluation(seed=seed, resamples=200))
        low, high = worth.crossings["student"].interval(0.025)
        num_held += low <= 2**3.6 <= high
    assert num_held >= 0.9 * times


def test_label_worth_takes_curve_and_level_on_the_same_rows():
    # the student is right where all labels make the learner right: it never takes more than those
    right = [1.0] * 30 + [0.0] * 30
    sizes = [Size(4, 8, {"one": Draws(mean_statistic([0.0] * 60), [0.0, 0.0])})]
    sizes.append(Size(8, 8, {"one": Draws(mean_statistic(right), [0.5])}))
    worth = label_worth(sizes, {"student": mean_statistic(right)}, 60, Evaluation(resamples=100))
    assert worth.crossings["student"].interval(0.025) == pytest.approx((8, 8))
    assert len(set(worth.best[1].resamples)) > 5


def test_label_worth_best_is_the_better_learner_at_each_size():
    def draws(share: float) -> Draws:
        return Draws(mean_statistic([share] * 10), [share] * 3)

    sizes = [Size(2, 9, {"a": draws(0.1), "b": draws(0.3)}), Size(4, 9, {"a": draws(0.6), "b": draws(0.4)})]
    worth = label_worth(sizes, {}, 10, Evaluation(resamples=100))
    assert [one.value for one in worth.best] == pytest.approx([0.3, 0.6])


def test_sampled_interval_may_have_an_endless_end():
    assert Sampled(3.0, np.asarray([2.0] * 9 + [math.inf])).interval(0.05) == (2.0, math.inf)
