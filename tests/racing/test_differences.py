"""The difference between two contestants' students: against its definition, and what it says when nothing differs."""

import numpy as np
import pytest
from scipy import stats

from stillhouse.evaluation.scoring import Scoring
from stillhouse.racing.differences import Measured, estimate, measure
from stillhouse.racing.standings import rank, running_on
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification

LABELS = ("a", "b")
ROWS = 200


def scoring_of(rows=ROWS, clusters=None, resamples=4000):
    settings = Evaluation(metrics=("accuracy",), resamples=resamples)
    skill = Classification(labels=LABELS)
    return Scoring([["a"]] * rows, LABELS, settings, skill, clusters)


def answers_with(*rights, rows=ROWS):
    """One student a share: of that share of rows it has the answer, the first ones."""
    return [["a"] * round(share * rows) + ["b"] * (rows - round(share * rows)) for share in rights]


def test_estimate_adds_the_variances_of_rows_and_of_halves_once():
    rng = np.random.default_rng(0)
    rights = rng.random((6, ROWS)) < np.array([0.9, 0.6, 0.8, 0.7, 0.75, 0.85])[:, None]
    answers = [["a" if right else "b" for right in student] for student in rights]
    scoring = scoring_of()
    found = estimate(measure("accuracy", answers, scoring), scoring)
    # by definition: the mean squares of a table of students by rows
    scores = rights.astype(float)
    by_row, by_student, mean = scores.mean(axis=0), scores.mean(axis=1), scores.mean()
    rest = scores - by_row - by_student[:, None] + mean
    both = (rest**2).sum() / (ROWS - 1) / 5 / ROWS
    of_prompts = (by_student.var(ddof=1) - both) * (0.5 / 0.5 + 1 / 6)
    width = stats.t.ppf(0.975, 5) * np.sqrt(by_row.var() / ROWS + of_prompts)
    assert found.value == pytest.approx(mean)
    assert found.high - found.value == pytest.approx(width, rel=0.03)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_spread_of_few_rows_alone_is_not_counted_twice():
    # students alike, each measured on the same rows with errors of its own
    rights = np.random.default_rng(1).random((20, ROWS)) < 0.7
    answers = [["a" if right else "b" for right in student] for student in rights]
    scoring = scoring_of()
    found = estimate(measure("accuracy", answers, scoring), scoring)
    of_rows = rights.mean(axis=0).std() / np.sqrt(ROWS)
    assert found.high - found.value < 1.5 * stats.t.ppf(0.975, 19) * of_rows


def test_difference_of_equal_contestants_is_zero_with_an_interval_of_one_row():
    scoring = scoring_of()
    one = measure("accuracy", answers_with(0.8, 0.7, 0.75), scoring)
    found = estimate(one.less(one), scoring)
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert found.high == pytest.approx(stats.t.ppf(0.975, 2) / ROWS)


def test_difference_swapped_has_the_other_sign_and_the_same_p_value():
    scoring = scoring_of()
    ours, theirs = (measure("accuracy", answers_with(*shares), scoring) for shares in ((0.8, 0.78), (0.7, 0.74)))
    found, swapped = estimate(ours.less(theirs), scoring), estimate(theirs.less(ours), scoring)
    assert found.value == pytest.approx(0.07)
    assert (swapped.value, swapped.low, swapped.p_value) == pytest.approx((-found.value, -found.high, found.p_value))


def test_rows_of_few_clusters_say_less_than_as_many_alone():
    shares = (0.8, 0.8, 0.8)
    clusters = np.repeat(np.arange(10), ROWS // 10)
    alone, grouped = (
        estimate(measure("accuracy", answers_with(*shares), scoring), scoring)
        for scoring in (scoring_of(), scoring_of(clusters=clusters))
    )
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_metric_of_all_rows_together_is_measured_too():
    settings = Evaluation(metrics=("macro_f1",), resamples=100)
    scoring = Scoring([["a"], ["b"]] * 40, LABELS, settings, Classification(labels=LABELS))
    found = estimate(measure("macro_f1", [["a", "b"] * 40, ["a", "a"] * 40], scoring), scoring)
    assert found.value == pytest.approx((1.0 + (2 / 3) / 2) / 2)
    assert found.low < found.value < found.high


def contestants(*means, spread=0.01):
    rng = np.random.default_rng(0)
    shift, found = rng.normal(0, 0.03, 500), {}
    for at, (name, mean) in enumerate(zip("vwxyz", means, strict=False)):
        resamples = mean + shift + rng.normal(0, 0.005, 500)
        found[name] = Measured(mean + np.roll([-spread, 0.0, spread], at), np.stack([resamples] * 3, axis=1))
    return found


def test_rank_corrects_over_all_pairs_and_drops_who_is_shown_to_be_worse():
    results = rank(contestants(0.5, 0.9, 0.89, 0.55), scoring_of())
    assert [one.name for one in results] == ["w", "x", "y", "v"]
    assert results[0].behind is None
    assert results[1].p_value > 0.05
    assert all(one.is_worse(0.05) for one in results[2:])
    assert running_on(results, 0.05, is_last=False) == ["w", "x"]
    assert running_on(results, 0.05, is_last=True) == []


def test_running_on_keeps_half_and_two_at_least_where_nothing_is_shown():
    wide = rank(contestants(0.81, 0.80, 0.79, 0.78, 0.77, spread=0.3), scoring_of())
    assert running_on(wide, 0.05, is_last=False) == ["v", "w", "x"]
    pair = rank(contestants(0.81, 0.80, spread=0.3), scoring_of())
    assert running_on(pair, 0.05, is_last=False) == ["v", "w"]


def test_running_on_ends_a_race_that_the_first_slice_decides():
    results = rank(contestants(0.9, 0.5), scoring_of())
    assert running_on(results, 0.05, is_last=False) == ["v"]
