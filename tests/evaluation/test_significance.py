import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.evaluation.comparison import gain, quality_retained
from stillhouse.evaluation.difference_tests import mcnemar_p_value
from stillhouse.evaluation.scoring import Scoring
from stillhouse.evaluation.significance import (
    Interval,
    accuracy_interval,
    bootstrap_interval,
    confusion,
    ratio_interval,
)
from stillhouse.metrics.metric import mean_statistic
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification

LABELS = ("right", "wrong")
SKILL = Classification(labels=LABELS)
Z95 = 1.959963984540054


def some(right: int, wrong: int) -> list[bool]:
    return [True] * right + [False] * wrong


def answers(correct: Sequence[bool]) -> list[str]:
    return ["right" if one else "wrong" for one in correct]


def settings(confidence: float, resamples: int, seed: int) -> Evaluation:
    return Evaluation(metrics=("accuracy",), confidence=confidence, resamples=resamples, seed=seed)


def paired_gain(
    student: Sequence[bool], baseline: Sequence[bool], confidence: float, resamples: int, *, seed: int
) -> SimpleNamespace:
    """The report's gain of a student that is right on these rows over a baseline that is right on those."""
    said = {"student": answers(student), "baseline": answers(baseline)}
    references = [["right"]] * len(said["baseline"])
    found = gain(
        "accuracy",
        "student",
        "baseline",
        said,
        Scoring(references, LABELS, settings(confidence, resamples, seed), SKILL),
    )
    assert found
    return SimpleNamespace(**found)


def retained(
    student: Sequence[bool], teacher: Sequence[bool], confidence: float, resamples: int, *, seed: int
) -> Interval | None:
    """The report's quality retained, likewise."""
    said = {"student": answers(student), "teacher": answers(teacher)}
    references = [["right"]] * len(said["teacher"])
    scoring = Scoring(references, LABELS, settings(confidence, resamples, seed), SKILL)
    return quality_retained("accuracy", said, scoring, "student")


@pytest.mark.parametrize(("right", "wrong"), [(81, 19), (0, 12), (12, 0), (1, 0), (150, 250)])
def test_accuracy_interval_is_wilsons_formula(right, wrong):
    n = right + wrong
    p, z2 = right / n, Z95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    found = accuracy_interval(some(right, wrong), 0.95)
    assert (found.value, found.n) == (p, n)
    assert found.low == pytest.approx(centre - half, abs=1e-12)
    assert found.high == pytest.approx(centre + half, abs=1e-12)


def test_accuracy_interval_no_rows_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        accuracy_interval([], 0.95)


def test_bootstrap_interval_is_the_percentiles_of_every_possible_resample():
    # 4 rows have 4 ** 4 resamples: the exact bootstrap distribution of the mean
    values = np.array([0.0, 1.0, 2.0, 7.0])
    exact = [values[list(rows)].mean() for rows in product(range(4), repeat=4)]
    found = bootstrap_interval(lambda rows: float(values[rows].mean()), 4, settings(0.8, 20_000, 1))
    assert found.value == 2.5
    assert found.low == pytest.approx(np.quantile(exact, 0.1), abs=0.25)
    assert found.high == pytest.approx(np.quantile(exact, 0.9), abs=0.25)


def test_bootstrap_interval_same_seed_same_interval_and_higher_confidence_is_wider():
    statistic = mean_statistic(some(30, 20))
    first = bootstrap_interval(statistic, 50, settings(0.9, 500, 3))
    assert first == bootstrap_interval(statistic, 50, settings(0.9, 500, 3))
    wider = bootstrap_interval(statistic, 50, settings(0.99, 500, 3))
    assert wider.low < first.low < first.high < wider.high


def test_bootstrap_interval_one_row_and_equal_rows_have_no_width():
    for right in ([True], some(9, 0)):
        found = bootstrap_interval(mean_statistic(right), len(right), settings(0.95, 200, 0))
        assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_bootstrap_interval_no_rows_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        bootstrap_interval(lambda rows: 0.0, 0, settings(0.95, 200, 0))


def mcnemar_by_definition(only_ours: int, only_theirs: int) -> float:
    """Sum of Binomial(n, 1/2) over outcomes no likelier than the one seen, in exact fractions."""
    n = only_ours + only_theirs
    chance = [Fraction(math.comb(n, k), 2**n) for k in range(n + 1)]
    return float(sum(p for p in chance if p <= chance[only_ours]))


@given(st.integers(0, 25), st.integers(0, 25), st.integers(0, 5), st.integers(1, 5))
def test_mcnemar_p_value_is_the_exact_binomial(only_ours, only_theirs, both, neither):
    ours = some(both + only_ours, only_theirs + neither)
    theirs = some(both, only_ours) + some(only_theirs, neither)
    expected = mcnemar_by_definition(only_ours, only_theirs)
    assert mcnemar_p_value(ours, theirs) == pytest.approx(expected)
    assert mcnemar_p_value(theirs, ours) == pytest.approx(expected)


def test_paired_gain_known_table():
    # 100 rows: both right 50, only student 30, only baseline 5, neither 15
    student = some(80, 20)
    baseline = [*some(50, 30), *some(5, 15)]
    found = paired_gain(student, baseline, 0.95, 4000, seed=0)
    assert found.value == pytest.approx(0.25)
    # normal approximation of the paired difference's standard error
    error = math.sqrt((0.30 + 0.05 - 0.25**2) / 100)
    assert found.low == pytest.approx(0.25 - Z95 * error, abs=0.02)
    assert found.high == pytest.approx(0.25 + Z95 * error, abs=0.02)
    assert found.p_value == pytest.approx(mcnemar_by_definition(30, 5))
    assert found.p_value < 0.001


def test_paired_gain_equal_models_is_nothing_with_certainty():
    found = paired_gain(some(6, 4), some(6, 4), 0.95, 300, seed=0)
    assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_paired_gain_all_against_none_has_no_width_and_is_no_nan():
    found = paired_gain(some(8, 0), some(0, 8), 0.95, 300, seed=0)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.p_value == pytest.approx(2 / 2**8)


def test_paired_gain_pairs_rows_by_position():
    # the same accuracies; agreement row by row leaves no spread, disagreement leaves much
    aligned = paired_gain(some(50, 50), some(50, 50), 0.95, 500, seed=0)
    opposed = paired_gain(some(50, 50), some(50, 50)[::-1], 0.95, 500, seed=0)
    assert aligned.high - aligned.low == 0.0
    assert opposed.high - opposed.low > 0.3


def test_paired_gain_unequal_rows_are_refused():
    with pytest.raises(ValueError, match="1 answers for 2 rows"):
        paired_gain([True], [True, False], 0.95, 300, seed=0)
    with pytest.raises(ValueError, match="1 and 2 rows"):
        mcnemar_p_value([True], [True, False])


@pytest.mark.slow
def test_paired_gain_interval_covers_the_truth_as_often_as_it_says():
    rng, covered = np.random.default_rng(7), 0
    for seed in range(300):
        kinds = rng.choice(4, size=150, p=[0.5, 0.2, 0.1, 0.2])  # both, only student, only baseline, neither
        found = paired_gain(kinds < 2, (kinds == 0) | (kinds == 2), 0.95, 300, seed=seed)
        covered += found.low <= 0.1 <= found.high
    assert 0.91 <= covered / 300 <= 0.98


def test_retained_interval_is_the_ratio_of_accuracies():
    student, teacher = some(45, 55), some(50, 50)
    found = retained(student, teacher, 0.95, 2000, seed=0)
    assert found is not None
    assert found.value == pytest.approx(0.9)
    # delta method on the paired ratio: the student is right on 45 of the teacher's 50
    error = math.sqrt((1 - 0.9) * 0.9 / 50)
    assert found.low == pytest.approx(0.9 - Z95 * error, abs=0.03)
    assert found.high == pytest.approx(0.9 + Z95 * error, abs=0.03)


def test_retained_interval_teacher_always_wrong_is_unknown():
    assert retained(some(5, 5), some(0, 10), 0.95, 300, seed=0) is None


def test_retained_interval_resamples_without_a_right_teacher_are_left_out():
    found = retained(some(1, 3), some(1, 3), 0.95, 2000, seed=0)
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_ratio_interval_no_rows_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        ratio_interval(lambda rows: 1.0, lambda rows: 1.0, 0, settings(0.95, 300, 0))


def test_confusion_counts_references_by_answer_with_a_label_for_unreadable():
    found = confusion(["a", "b", None, "zz", "b"], ["a", "a", "a", "b", "b"], ("a", "b"))
    assert found == {"labels": ["a", "b", "unparsable"], "matrix": [[1, 1, 1], [0, 1, 1], [0, 0, 0]]}
    readable = confusion(["a", "a", "b"], ["a", "b", "b"], ("a", "b"))
    assert readable == {"labels": ["a", "b"], "matrix": [[1, 0], [1, 1]]}
