import numpy as np
import pytest
from scipy import stats

from stillhouse.evaluation.design_effect import design_effect, wilson_bounds


def test_design_effect_without_a_difference_is_that_of_whole_clusters():
    assert design_effect(np.zeros(20), np.full(20, 5.0), 0.0, 1.0) == pytest.approx(5.0)


def test_design_effect_of_rows_that_go_their_own_way_is_near_1():
    signs = np.random.default_rng(3).choice([-1.0, 0.0, 1.0], size=(400, 5), p=[0.15, 0.7, 0.15])
    found = design_effect(signs.sum(1), np.full(400, 5.0), float(((signs - signs.mean()) ** 2).sum()), 1.0)
    assert found == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("alike", [0.2, 0.6])
def test_design_effect_of_many_clusters_is_that_of_their_correlation(alike):
    # the textbook's: 1 + (m - 1) rho
    rng, scale = np.random.default_rng(4), (1 - alike) / alike
    rows = (rng.random((4000, 6)) < rng.beta(0.7 * scale, 0.3 * scale, (4000, 1))).astype(float)
    found = design_effect(rows.sum(1), np.full(4000, 6.0), float(((rows - rows.mean()) ** 2).sum()), 0.25)
    assert found == pytest.approx(1 + 5 * alike, rel=0.06)


def test_wilson_bounds_of_very_many_clusters_are_scipy_s():
    expected = stats.binomtest(180, 200).proportion_ci(0.95, method="wilson")
    assert wilson_bounds(0.9, 200, 0.95, 10_000_000) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_wilson_bounds_solve_the_score_equation_of_student_s_t():
    low, high = wilson_bounds(0.8, 37.5, 0.9, 12)
    for bound in (low, high):
        score = abs(0.8 - bound) / np.sqrt(bound * (1 - bound) / 37.5)
        assert score == pytest.approx(stats.t.ppf(0.95, 11))
