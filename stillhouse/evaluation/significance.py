"""Intervals, paired comparisons and the confusion matrix."""

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stillhouse.metrics.metric import Indices, Statistic
from stillhouse.recipe.evaluation import Evaluation

# resampled indices held at once: 16 MB
_BATCH_INDICES = 2_000_000


@dataclass(frozen=True)
class Interval:
    """A value with its two-sided confidence interval."""

    value: float
    low: float
    high: float
    n: int  # rows it was measured on


def accuracy_interval(correct: ArrayLike, confidence: float) -> Interval:
    """Return the share of True in `correct` (one boolean a row) with its Wilson score interval.

    Raises:
        ValueError: for no rows.
    """
    right = _booleans(correct)
    test = stats.binomtest(int(right.sum()), right.size)
    bounds = test.proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(test.statistic, float(bounds.low), float(bounds.high), right.size)


def bootstrap_interval(statistic: Statistic, n: int, settings: Evaluation) -> Interval:
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
        return Interval(value, value, value, n)
    with warnings.catch_warnings():
        # about resamples that are not a number, which are left out below
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        drawn = stats.bootstrap(
            (rows,),
            lambda indices: statistic(indices),
            n_resamples=settings.resamples,
            batch=max(1, _BATCH_INDICES // n),
            vectorized=False,
            method="percentile",
            confidence_level=settings.confidence,
            rng=np.random.default_rng(settings.seed),
        ).bootstrap_distribution
    low, high = np.nanquantile(drawn, [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2])
    return Interval(value, float(low), float(high), n)


def ratio_interval(ours: Statistic, theirs: Statistic, n: int, settings: Evaluation) -> Interval | None:
    """Return `ours / theirs` with its paired bootstrap interval, or None if `theirs` is 0 on all rows."""
    if n and theirs(np.arange(n)) == 0:
        return None

    def ratio(rows: Indices) -> float:
        divisor = theirs(rows)
        return ours(rows) / divisor if divisor else float("nan")

    return bootstrap_interval(ratio, n, settings)


def mcnemar_p_value(correct_ours: ArrayLike, correct_theirs: ArrayLike) -> float:
    """Return the two-sided exact McNemar p-value, over the rows that only one of both has right; 1 if there are none.

    Raises:
        ValueError: for no rows, or unequal lengths.
    """
    ours, theirs = _paired(correct_ours, correct_theirs)
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return _sign_test(only_ours, only_ours + only_theirs)


@functools.lru_cache(maxsize=4096)  # many comparisons have the same counts
def _sign_test(num_ours: int, num_decided: int) -> float:
    return float(stats.binomtest(num_ours, num_decided, 0.5).pvalue) if num_decided else 1.0


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


def exchange_p_value(joint: Statistic, n: int, resamples: int, seed: int) -> float:
    """Return the two-sided p-value of the difference of any statistic between two models' answers to `n` rows.

    `joint` takes indices of 2n answers, ours to all rows and then theirs. If the models are alike, exchanging their
    answers to random rows changes nothing.
    """
    rows, rng = np.arange(n), np.random.default_rng(seed)

    def difference(exchanged: NDArray[np.bool_]) -> float:
        return abs(joint(rows + n * exchanged) - joint(rows + n * ~exchanged))

    observed = difference(np.zeros(n, dtype=bool))
    # what differs by rounding alone is as large
    as_large = sum(difference(rng.random(n) < 0.5) >= observed - 1e-12 for _ in range(resamples))
    return (1 + as_large) / (1 + resamples)


def confusion(predictions: Sequence[str | None], references: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Return {"labels": names, "matrix": counts}: counts[i][j] rows of label i answered with j.

    If some answers are none of the labels, a last label, "unparsable", counts them; no row has it as its reference.
    """
    code = {label: index for index, label in enumerate(labels)}
    names = [*labels, "unparsable"]
    counts = np.zeros((len(names), len(names)), dtype=int)
    for answer, label in zip(predictions, references, strict=True):
        counts[code[label], len(labels) if answer is None else code.get(answer, len(labels))] += 1
    if not counts[:, -1].any():
        names, counts = names[:-1], counts[:-1, :-1]
    return {"labels": names, "matrix": counts.tolist()}


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
