"""Intervals, paired comparisons and the confusion matrix."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stillhouse.metrics.metric import Indices, Statistic

# resampled indices held at once: 16 MB
_BATCH_INDICES = 2_000_000


@dataclass(frozen=True)
class Interval:
    """A value with its two-sided confidence interval."""

    value: float
    low: float
    high: float
    n: int  # rows it was measured on
    method: str


@dataclass(frozen=True)
class Gain:
    """A difference on the same rows, its interval, and its p-value."""

    value: float
    low: float
    high: float
    p_value: float | None
    n: int
    method: str


def accuracy_interval(correct: ArrayLike, confidence: float) -> Interval:
    """Return the share of True in `correct` (one boolean a row) with its Wilson score interval.

    Raises:
        ValueError: for no rows.
    """
    right = _booleans(correct)
    test = stats.binomtest(int(right.sum()), right.size)
    bounds = test.proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(test.statistic, float(bounds.low), float(bounds.high), right.size, "Wilson score")


def bootstrap_interval(statistic: Statistic, n: int, confidence: float, resamples: int, seed: int) -> Interval:
    """Return `statistic` of all `n` rows with the percentile interval over resampled rows.

    Resamples on which the statistic is not a number (a ratio over zero) are left out. If it is the same on every
    resample, the interval has no width.

    Raises:
        ValueError: for no rows.
    """
    if n < 1:
        raise ValueError("no rows to measure on; an interval needs at least one")
    rows = np.arange(n)
    value = float(statistic(rows))
    if n == 1:
        return Interval(value, value, value, n, "percentile bootstrap")
    with warnings.catch_warnings():
        # about resamples that are not a number, which are left out below
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        drawn = stats.bootstrap(
            (rows,),
            lambda indices: statistic(indices),
            n_resamples=resamples,
            batch=max(1, _BATCH_INDICES // n),
            vectorized=False,
            method="percentile",
            confidence_level=confidence,
            rng=np.random.default_rng(seed),
        ).bootstrap_distribution
    low, high = np.nanquantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high), n, "percentile bootstrap")


def difference_interval(
    ours: Statistic, theirs: Statistic, n: int, confidence: float, resamples: int, seed: int
) -> Interval:
    """Return `ours - theirs` with its paired bootstrap interval: both take the same resampled rows."""
    return bootstrap_interval(lambda rows: ours(rows) - theirs(rows), n, confidence, resamples, seed)


def ratio_interval(
    ours: Statistic, theirs: Statistic, n: int, confidence: float, resamples: int, seed: int
) -> Interval | None:
    """Return `ours / theirs` with its paired bootstrap interval, or None if `theirs` is 0 on all rows."""
    if n and theirs(np.arange(n)) == 0:
        return None

    def ratio(rows: Indices) -> float:
        divisor = theirs(rows)
        return ours(rows) / divisor if divisor else float("nan")

    return bootstrap_interval(ratio, n, confidence, resamples, seed)


def mcnemar_p_value(correct_ours: ArrayLike, correct_theirs: ArrayLike) -> float:
    """Return the two-sided exact McNemar p-value, over the rows that only one of both has right; 1 if there are none.

    Raises:
        ValueError: for no rows, or unequal lengths.
    """
    ours, theirs = _paired(correct_ours, correct_theirs)
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    if only_ours + only_theirs == 0:
        return 1.0
    return float(stats.binomtest(only_ours, only_ours + only_theirs, 0.5).pvalue)


def permutation_p_value(ours: ArrayLike, theirs: ArrayLike, resamples: int, seed: int) -> float:
    """Return the two-sided p-value of the difference of means, by exchanging the two numbers of random rows.

    Raises:
        ValueError: for no rows, or unequal lengths.
    """
    first, second = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if not first.size or first.shape != second.shape:
        raise ValueError(f"{first.size} and {second.size} rows; a paired comparison needs the same rows for both")
    if first.size == 1 or (first == second).all():
        return 1.0
    test = stats.permutation_test(
        (first, second),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, _BATCH_INDICES // first.size),
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def gain_of(difference: Interval, p_value: float | None, test: str = "exact McNemar test on correct answers") -> Gain:
    """Return a gain from the interval of a paired difference and the p-value of `test`; None if there was no test."""
    method = f"paired {difference.method}" + ("" if p_value is None else f"; p by {test}")
    return Gain(difference.value, difference.low, difference.high, p_value, difference.n, method)


def confusion(predictions: Sequence[str | None], references: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Return {"labels": rows, "predicted": columns, "counts": matrix}: counts[i][j] rows of label i answered with j.

    The last column, "unparsable", counts answers that are none of the labels.
    """
    code = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels) + 1), dtype=int)
    for answer, label in zip(predictions, references, strict=True):
        counts[code[label], len(labels) if answer is None else code.get(answer, len(labels))] += 1
    return {"labels": list(labels), "predicted": [*labels, "unparsable"], "counts": counts.tolist()}


def _booleans(correct: ArrayLike) -> NDArray[np.bool_]:
    right = np.asarray(correct, dtype=bool)
    if right.size == 0:
        raise ValueError("no rows to measure on; an interval needs at least one")
    return right


def _paired(ours: ArrayLike, theirs: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = _booleans(ours), _booleans(theirs)
    if first.shape != second.shape:
        raise ValueError(f"{first.size} and {second.size} rows; a paired comparison needs the same rows for both")
    return first, second
