"""How sure a student is of an answer, set right by one number on rows that it did not learn from.

Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (temperature scaling, ECE).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from stillhouse.evaluation.scored import Scored

# of the temperature; beyond them lies a student that knows nothing or everything
_COOLEST, _HOTTEST = 0.05, 20.0
# a probability of 0 or 1 has no logit
_LEAST = 1e-6
# with fewer, the temperature would say more of these rows than of the student
FEWEST_ROWS = 20
_BINS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Rows of about equal certainty."""

    certainty: float  # mean
    right: float  # mean score
    rows: int


def certainties(scored: Sequence[Scored], labels: Sequence[str], temperature: float = 1.0) -> Floats:
    """Return how sure the model is of each answer, in [0, 1], [rows]; 0 for an answer that can't be read.

    Of labels it is the label's probability among them; of other answers that of the whole completion.
    """
    return np.asarray([_certainty(one, labels, temperature) for one in scored], dtype=np.float64)


def _certainty(one: Scored, labels: Sequence[str], temperature: float) -> float:
    if one.answer is None:
        return 0.0
    if one.label_logprobs is not None and one.answer in labels:
        cooled = np.asarray(one.label_logprobs) / temperature
        return float(np.exp(cooled[labels.index(one.answer)] - np.logaddexp.reduce(cooled)))
    if one.logprob is None:
        return 0.0
    odds = logit(np.clip(math.exp(one.logprob), _LEAST, 1 - _LEAST))
    return float(expit(odds / temperature))


def fit_temperature(scored: Sequence[Scored], scores: Sequence[float], labels: Sequence[str]) -> float:
    """Return the temperature under which the certainties fit best how right the answers are; 1 for too few rows.

    `scores` are of the answers, in [0, 1]; rows that are NaN don't count. The loss is the cross-entropy of being right.
    """
    counted = [(one, score) for one, score in zip(scored, scores, strict=True) if not math.isnan(score)]
    if len(counted) < FEWEST_ROWS:
        return 1.0
    answers, right = [one for one, _ in counted], np.asarray([score for _, score in counted])

    def loss(log_temperature: float) -> float:
        sure = np.clip(certainties(answers, labels, math.exp(log_temperature)), _LEAST, 1 - _LEAST)
        return float(-np.mean(right * np.log(sure) + (1 - right) * np.log1p(-sure)))

    found = minimize_scalar(loss, bounds=(math.log(_COOLEST), math.log(_HOTTEST)), method="bounded")
    return math.exp(float(found.x))


def reliability(sure: Floats, scores: Sequence[float]) -> list[Bin]:
    """Return up to 10 bins of about equally many rows, from the least certain on; rows that are NaN don't count."""
    right = np.asarray(scores, dtype=np.float64)
    kept = np.flatnonzero(~np.isnan(right))
    order = kept[np.argsort(sure[kept], kind="stable")]
    parts = np.array_split(order, min(_BINS, order.size)) if order.size else []
    return [Bin(float(sure[rows].mean()), float(right[rows].mean()), int(rows.size)) for rows in parts]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Return the mean distance between certainty and score over the bins, weighted by their rows; 0 for no bins."""
    total = sum(one.rows for one in bins)
    return sum(one.rows * abs(one.certainty - one.right) for one in bins) / total if total else 0.0
