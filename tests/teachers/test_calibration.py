import math

import numpy as np
import pytest

from stillhouse.completions.table import label_scores
from stillhouse.errors import QualityError
from stillhouse.teachers.calibration import batch_prior, calibrate

SCORES = [[-0.1, -2.5], [-0.2, -1.8], [-0.9, -0.6]]


def test_batch_prior_is_the_mean_log_probability_of_each_label():
    assert batch_prior(SCORES) == pytest.approx([-1.2 / 3, -4.9 / 3])


def test_batch_prior_without_scores_is_refused():
    with pytest.raises(QualityError):
        batch_prior([])


def test_calibrate_removes_the_bias_towards_a_label():
    # every row's best is the first label; against its mean the second row leans to the second
    prior = batch_prior([[-0.1, -2.5], [-0.2, -1.8]])
    assert [calibrate(row, prior)[0] for row in [[-0.1, -2.5], [-0.2, -1.8]]] == [0, 1]


def test_calibrate_is_numpys_softmax_of_the_shifted_scores():
    rng = np.random.default_rng(0)
    scores = np.log(rng.dirichlet(np.ones(7), size=40))
    prior = batch_prior(scores.tolist())
    shifted = scores - scores.mean(axis=0)
    expected = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    for row, probabilities in zip(scores.tolist(), expected, strict=True):
        best, logprob = calibrate(row, prior)
        assert best == probabilities.argmax()
        assert math.exp(logprob) == pytest.approx(probabilities.max())


def test_calibrate_near_scores_are_not_made_equal_by_rounding():
    assert calibrate([0.0, 1e-17], [0.0, 0.0]) == (1, pytest.approx(-math.log(2)))


def test_calibrate_a_shift_of_all_scores_changes_nothing():
    prior = batch_prior(SCORES)
    moved = [score - 3.0 for score in SCORES[2]]
    assert calibrate(moved, prior) == pytest.approx(calibrate(SCORES[2], prior))


def test_label_scores_are_those_of_the_first_token_in_label_order():
    assert label_scores([{7: -1.0, 3: -0.5, 9: -2.0}, {7: -9.0}], [3, 7]) == [-0.5, -1.0]


def test_label_scores_of_a_token_ruled_out_are_finite():
    assert label_scores([{3: -0.5, 7: -math.inf}], [3, 7, 8]) == [-0.5, -100.0, -100.0]


@pytest.mark.parametrize(("logprobs", "tokens"), [((), [3]), (({3: -0.5},), None)])
def test_label_scores_not_requested_are_none(logprobs, tokens):
    assert label_scores(logprobs, tokens) is None
