"""Batch calibration: a label's score less its mean over the training prompts.

Separate because the same prior must serve the training labels and the teacher's answers to test rows.
Source: after Zhou et al., "Batch Calibration", arXiv:2309.17249, which divides by the batch's mean probability; the
mean here is of log-probabilities, so that one overconfident prompt weighs no more than another.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillhouse.errors import QualityError

Scores = NDArray[np.float64]


def batch_prior(scores_NL: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean log-probability of each of L labels over N prompts, length L (nats).

    Raises:
        QualityError: there are no scores.
    """
    if not len(scores_NL):
        raise QualityError("calibration: batch found no scored answer; the engine gave no label log-probabilities")
    return [float(value) for value in np.mean(np.asarray(scores_NL, dtype=np.float64), axis=0)]


def probabilities(scores_L: Sequence[float], prior_L: Sequence[float] | None) -> Scores:
    """Return the probability of each of L labels by their log-probabilities, less the prior where there is one."""
    shifted: Scores = np.asarray(scores_L, dtype=np.float64) - (0.0 if prior_L is None else np.asarray(prior_L))
    found: Scores = np.exp(shifted - np.logaddexp.reduce(shifted))
    return found


def calibrate(scores_L: Sequence[float], prior_L: Sequence[float]) -> tuple[int, float]:
    """Return the index of the label furthest above its prior, and its log-probability among the calibrated (nats)."""
    shifted: Scores = np.asarray(scores_L, dtype=np.float64) - np.asarray(prior_L, dtype=np.float64)
    log_total = np.logaddexp.reduce(shifted)
    best = int(np.argmax(shifted))
    return best, float(shifted[best] - log_total)
