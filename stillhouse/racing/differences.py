"""The qualities of contestants and the differences between them, with what prompts and validation rows add by chance.

A contestant has several students, each of its own half of the prompts, so an interval tells a better contestant from a
lucky half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stillhouse.evaluation.clusters import count_clusters
from stillhouse.evaluation.label_worth import error_of_mean
from stillhouse.evaluation.scoring import Scoring, statistic
from stillhouse.evaluation.significance import bootstrap_draws
from stillhouse.metrics.metric import Answers
from stillhouse.racing.halves import SHARE

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """The metric of a contestant's students: of each on all rows [draws], and on each resample [resamples, draws]."""

    draws: Values
    resamples: Values

    def less(self, other: "Measured") -> "Measured":
        """Return the difference to another contestant's: both took the same halves, and the same resamples."""
        return Measured(self.draws - other.draws, self.resamples - other.resamples)


@dataclass(frozen=True)
class Estimate:
    """A mean over students with its interval, and the two-sided p-value of its being 0."""

    value: float
    low: float
    high: float
    p_value: float


def measure(metric: str, answers: Sequence[Answers], scoring: Scoring) -> Measured:
    """Return the metric of a contestant's students; `answers` holds those of each to the validation rows."""
    num_rows = len(scoring.references)
    each = [statistic(metric, one, scoring) for one in answers]
    # the seed is the same, so all are of the same rows
    resamples = [bootstrap_draws(one, num_rows, scoring.settings, scoring.clusters) for one in each]
    return Measured(np.asarray([one(np.arange(num_rows)) for one in each]), np.stack(resamples, axis=1))


def estimate(measured: Measured, scoring: Scoring) -> Estimate:
    """Return the mean over the students, with the interval at the confidence of `scoring.settings`.

    Its variance is the sum of two: over resampled validation rows, or clusters of them, at least that of one row; and
    over halves of the prompts, by the delete-d jackknife (`error_of_mean`). From the spread of the halves is taken what
    comes of measuring each on so few rows, since the first part has it already. The interval is Student's t with one
    degree of freedom less than there are students.

    Source: the variance components of two crossed random factors, S. R. Searle, G. Casella and C. E. McCulloch,
    Variance Components (1992), chapter 4; tests/benchmarks/filter_worth.py counts how often it is wrong.
    """
    num_draws, value = len(measured.draws), float(measured.draws.mean())
    independent = len(scoring.references) if scoring.clusters is None else count_clusters(scoring.clusters)
    of_rows = float(np.nanvar(measured.resamples.mean(axis=1)))
    of_one = float(np.nanvar(measured.resamples, axis=0).mean())
    both = (of_one - of_rows) * num_draws / (num_draws - 1)
    spread = math.sqrt(max(0.0, float(np.var(measured.draws, ddof=1)) - both))
    error = math.sqrt(max(of_rows, 1 / independent**2) + error_of_mean(spread, SHARE, num_draws) ** 2)
    width = float(stats.t.ppf((1 + scoring.settings.confidence) / 2, num_draws - 1)) * error
    p_value = float(2 * stats.t.sf(abs(value) / error, num_draws - 1))
    return Estimate(value, value - width, value + width, p_value)
