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
from stillhouse.evaluation.scoring import Scoring, row_scores, statistic
from stillhouse.evaluation.significance import bootstrap_draws
from stillhouse.metrics.metric import Answers, Indices, Statistic, mean_statistic
from stillhouse.racing.halves import SHARE

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """The metric of a contestant's students: of each on all rows, and their mean on each resample of the rows."""

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
    every = np.arange(len(scoring.references))
    each = [statistic(metric, one, scoring) for one in answers]
    draws = np.asarray([one(every) for one in each])
    mean = _mean(metric, answers, scoring, each)
    return Measured(draws, bootstrap_draws(mean, len(every), scoring.settings, scoring.clusters))


def estimate(measured: Measured, scoring: Scoring) -> Estimate:
    """Return the mean over the students, with the interval at the confidence of `scoring.settings`.

    Its variance is the sum of two: over resampled validation rows, or clusters of them, and over halves of the prompts,
    by the delete-d jackknife (`error_of_mean`). The interval is Student's t, with the degrees of freedom of Welch and
    Satterthwaite. Where students differ in no row, the variance is that of one row.
    """
    rows, draws = len(scoring.references), len(measured.draws)
    independent = rows if scoring.clusters is None else count_clusters(scoring.clusters)
    value = float(measured.draws.mean())
    of_rows = max(float(np.nanvar(measured.resamples)), 1.0 / independent**2)
    of_prompts = error_of_mean(float(np.std(measured.draws, ddof=1)), SHARE, draws) ** 2
    freedom = (of_rows + of_prompts) ** 2 / (of_rows**2 / max(1, independent - 1) + of_prompts**2 / (draws - 1))
    error = math.sqrt(of_rows + of_prompts)
    width = float(stats.t.ppf((1 + scoring.settings.confidence) / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(value) / error, freedom))
    return Estimate(value, value - width, value + width, p_value)


def _mean(metric: str, answers: Sequence[Answers], scoring: Scoring, each: Sequence[Statistic]) -> Statistic:
    """Return the mean of the students' metrics as a function of rows."""
    scores = [row_scores(metric, one, scoring) for one in answers]
    if all(one is not None for one in scores) and not np.isnan(np.asarray(scores, dtype=np.float64)).any():
        # the mean of means: one array in place of one a student
        return mean_statistic(np.asarray(scores, dtype=np.float64).mean(axis=0).tolist())

    def mean(rows: Indices) -> float:
        return float(np.mean([one(rows) for one in each]))

    return mean
