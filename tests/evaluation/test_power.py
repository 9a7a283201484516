"""The smallest difference a test set shows, against published tables and simulated test sets."""

import math

import numpy as np
import pytest
from scipy import stats

from stillhouse.evaluation.comparison import gain
from stillhouse.evaluation.difference_tests import mcnemar_p_value
from stillhouse.evaluation.power import share_rows_needed, smallest_difference, smallest_share_difference
from stillhouse.evaluation.scoring import Scoring
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification

# rows for 80 % power at 5 %, two-sided, where 10, 20 and 30 % of the rows differ, by hand from Connor's formula
TABLE = {0.05: (312, 626, 940), 0.03: (870, 1742, 2614)}


@pytest.mark.parametrize("difference", TABLE)
def test_share_rows_needed_are_those_of_the_table(difference):
    found = [math.ceil(share_rows_needed(difference, share, 0.95)) for share in (0.1, 0.2, 0.3)]
    assert found == list(TABLE[difference])


def test_smallest_share_difference_of_250_rows():
    found = [smallest_share_difference(250, share, 0.95) for share in (0.1, 0.2, 0.3)]
    assert found == pytest.approx([0.056, 0.079, 0.097], abs=5e-4)


def test_smallest_share_difference_is_no_less_than_what_can_differ():
    # no row differs: the difference itself is then the share of rows that do
    least = smallest_share_difference(100, 0.0, 0.95)
    assert least is not None
    assert share_rows_needed(least, least, 0.95) == pytest.approx(100)
    assert smallest_share_difference(3, 0.3, 0.95) is None


def test_smallest_share_difference_shows_in_four_of_five_test_sets():
    least, rng = smallest_share_difference(400, 0.2, 0.95), np.random.default_rng(0)
    assert least is not None
    shown = 0
    for _ in range(1500):
        kinds = rng.choice(3, 400, p=[(0.2 + least) / 2, (0.2 - least) / 2, 0.8])
        shown += mcnemar_p_value(kinds == 0, kinds == 1) <= 0.05
    # the exact test is a little more careful than the formula's normal one
    assert shown / 1500 == pytest.approx(0.78, abs=0.04)


def test_smallest_difference_has_eighty_per_cent_power():
    least = smallest_difference(0.02, 0.9)
    assert least is not None
    assert stats.norm.sf(stats.norm.ppf(0.95) - least / 0.02) == pytest.approx(0.8)
    assert smallest_difference(0.0, 0.95) is None


def test_gain_smallest_of_a_share_goes_by_rows_and_over_clusters_by_the_spread():
    ours, theirs = ["a"] * 30 + ["b"] * 10, ["a"] * 20 + ["b"] * 18 + ["a"] * 2
    settings, skill = Evaluation(metrics=("accuracy",), resamples=4000), Classification(labels=("a", "b"))

    def smallest(clusters: np.ndarray | None) -> float:
        scoring = Scoring([["a"]] * 40, ("a", "b"), settings, skill, clusters)
        found = gain("accuracy", "student", "teacher", {"student": ours, "teacher": theirs}, scoring)
        assert found
        return found["smallest"]

    assert smallest(None) == smallest_share_difference(40, 12 / 40, 0.95)
    # pairs of alike neighbours: the standard error of 20 means of pairs
    differences = np.array([(a == "a") - (b == "a") for a, b in zip(ours, theirs, strict=True)], dtype=float)
    means = differences.reshape(20, 2).mean(axis=1)
    error = means.std() / math.sqrt(20)
    assert smallest(np.repeat(np.arange(20), 2)) == pytest.approx((1.95996 + 0.84162) * error, rel=0.05)
