import itertools

import numpy as np
import pytest
from scipy import stats

from stillhouse.gate.scores import PairedScores, above_p_value, pair_means, pair_statistics
from stillhouse.metrics.metric import mean_statistic
from stillhouse.recipe.evaluation import Evaluation

SETTINGS = Evaluation(resamples=4000)


def paired(differences: np.ndarray, clusters: np.ndarray | None = None) -> PairedScores:
    return pair_means(differences, SETTINGS, clusters)


def skewed(num_rows: int) -> np.ndarray:
    return np.random.default_rng(5).exponential(0.1, num_rows) - 0.09


@pytest.mark.parametrize("level", [0.01, 0.025, 0.1])
def test_above_p_value_at_the_end_of_scipy_s_bca_interval_is_its_level(level):
    differences = skewed(200)
    found = stats.bootstrap(
        (differences,), np.mean, confidence_level=1 - 2 * level, n_resamples=40_000, method="BCa", rng=1
    )
    assert above_p_value(paired(differences), found.confidence_interval.low) == pytest.approx(level, rel=0.2)


def test_above_p_value_beyond_the_resamples_is_near_that_of_student_s_t():
    differences = np.random.default_rng(1).normal(0.0, 0.1, 300)
    bound = differences.mean() - 4.5 * differences.std(ddof=1) / np.sqrt(300)
    expected = stats.ttest_1samp(differences, bound, alternative="greater").pvalue
    assert np.log10(above_p_value(paired(differences), bound)) == pytest.approx(np.log10(expected), abs=0.4)


def test_above_p_value_rises_with_the_bound():
    pair = paired(skewed(120))
    found = [above_p_value(pair, bound) for bound in np.linspace(-0.1, 0.1, 41)]
    assert all(one <= next_ + 1e-12 for one, next_ in itertools.pairwise(found))
    assert (found[0], found[-1]) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))


def test_above_p_value_of_equal_scores_is_the_chance_of_no_loss():
    assert above_p_value(paired(np.zeros(100)), -0.02) == pytest.approx(0.98**100)
    assert above_p_value(paired(np.zeros(1000)), -0.02) < 1e-8
    assert above_p_value(paired(np.zeros(1000)), 0.0) == 1.0


def test_above_p_value_of_hardly_a_difference_is_no_less_than_that_of_its_losses():
    differences = np.zeros(100)
    differences[0] = -1.0
    assert above_p_value(paired(differences), -0.04) >= stats.binom.cdf(1, 100, 0.04)


def test_above_p_value_over_groups_counts_groups():
    differences = np.repeat(np.random.default_rng(2).normal(0.0, 0.1, 30), 10)
    groups = np.repeat(np.arange(30), 10)
    assert above_p_value(paired(differences, groups), -0.04) > 5 * above_p_value(paired(differences), -0.04)


@pytest.mark.parametrize("clusters", [None, np.repeat(np.arange(30), 4)])
def test_a_mean_given_as_a_metric_of_all_rows_has_the_same_p_value(clusters):
    differences = skewed(120)
    whole = pair_statistics(mean_statistic(differences.tolist()), 120, SETTINGS, clusters)
    assert above_p_value(whole, -0.015) == pytest.approx(above_p_value(paired(differences, clusters), -0.015), rel=0.15)
