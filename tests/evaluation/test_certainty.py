"""A student's certainty: what it is of, how a temperature is found, and how far it is off."""

import math

import numpy as np
import pytest
from scipy.special import softmax

from stillhouse.evaluation.certainty import (
    FEWEST_ROWS,
    certainties,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from stillhouse.evaluation.scored import Scored

LABELS = ["a", "b", "c"]


def drawn(temperature: float, rows: int, seed: int) -> tuple[list[Scored], list[float]]:
    """Answers of a model whose label is right as often as its scores at `temperature` say."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(scale=3.0, size=(rows, 3))
    truth = [rng.choice(3, p=softmax(one / temperature)) for one in scores]
    answers = [Scored(LABELS[int(one.argmax())], None, one.tolist()) for one in scores]
    return answers, [float(one.argmax() == right) for one, right in zip(scores, truth, strict=True)]


def test_certainty_of_a_label_is_its_share_among_the_labels():
    scored = Scored("b", -9.0, [math.log(0.1), math.log(0.3), math.log(0.1)])
    assert certainties([scored], LABELS)[0] == pytest.approx(0.6)
    # squares of the probabilities, by the definition of a temperature of 1/2
    assert certainties([scored], LABELS, 0.5)[0] == pytest.approx(0.09 / 0.11)


def test_certainty_of_other_answers_is_the_completions():
    scored = Scored("Paris", math.log(0.8), None)
    assert certainties([scored], [])[0] == pytest.approx(0.8)
    # odds of 4 to 1 become 2 to 1
    assert certainties([scored], [], 2.0)[0] == pytest.approx(2 / 3)


def test_certainty_of_an_answer_that_cannot_be_read_is_none():
    assert certainties([Scored(None, -0.1, [0.0, -1.0, -2.0])], LABELS)[0] == 0.0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_fit_temperature_finds_the_one_that_answers_were_drawn_with(temperature: float):
    answers, right = drawn(temperature, 4000, seed=1)
    assert fit_temperature(answers, right, LABELS) == pytest.approx(temperature, rel=0.1)


def test_fit_temperature_brings_certainty_nearer_to_the_truth_on_other_rows():
    learnt, other = drawn(2.5, 1000, seed=2), drawn(2.5, 1000, seed=3)
    found = fit_temperature(*learnt, LABELS)
    before, after = (
        expected_calibration_error(reliability(certainties(other[0], LABELS, one), other[1])) for one in (1.0, found)
    )
    assert after < 0.05 < before


def test_fit_temperature_few_rows_change_nothing():
    answers, right = drawn(2.5, FEWEST_ROWS - 1, seed=4)
    assert fit_temperature(answers, right, LABELS) == 1.0
    # a row that does not count is none
    answers, right = drawn(2.5, FEWEST_ROWS, seed=4)
    assert fit_temperature(answers, [math.nan, *right[1:]], LABELS) == 1.0


def test_calibration_error_is_the_mean_distance_over_bins_of_equal_size():
    sure = np.asarray([0.9, 0.5, 0.9, 0.5] + [0.7] * 16)
    right = [1.0, 0.0, 0.0, 1.0] + [1.0] * 8 + [0.0] * 8
    bins = reliability(sure, right)
    assert [one.rows for one in bins] == [2] * 10
    assert (bins[0].certainty, bins[0].right, bins[-1].certainty, bins[-1].right) == (0.5, 0.5, 0.9, 0.5)
    by_hand = sum(2 * abs(one.certainty - one.right) for one in bins) / 20
    assert expected_calibration_error(bins) == pytest.approx(by_hand)


def test_reliability_rows_that_do_not_count_are_left_out():
    bins = reliability(np.asarray([0.1, 0.2, 0.3]), [1.0, math.nan, 0.0])
    assert sum(one.rows for one in bins) == 2
    assert expected_calibration_error(reliability(np.asarray([]), [])) == 0.0
