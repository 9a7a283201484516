"""Intervals, and the confusion matrix."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stillhouse.evaluation.clusters import Clusters, cluster_sums, count_clusters
from stillhouse.evaluation.design_effect import design_effect, wilson_bounds
from stillhouse.metrics.metric import Indices, Statistic
from stillhouse.recipe.evaluation import Evaluation

Draws = NDArray[np.float64]

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


def bootstrap_interval(
    statistic: Statistic, n: int, settings: Evaluation, clusters: Clusters | None = None
) -> Interval:
    """Return `statistic` of all `n` rows with the percentile interval over resampled rows, or resampled `clusters`.

    Resamples on which the statistic is not a number (a ratio over zero) are left out. If it is the same on every
    resample, the interval has no width.

    Raises:
        ValueError: for no rows.
    """
    drawn = bootstrap_draws(statistic, n, settings, clusters)
    low, high = percentile_bounds(drawn, settings.confidence, clusters)
    return Interval(float(statistic(np.arange(n))), low, high, n)


def percentile_bounds(drawn: Draws, confidence: float, clusters: Clusters | None = None) -> tuple[float, float]:
    """Return the percentiles of resampled values between which the statistic lies with `confidence`."""
    tail = percentile_tail(confidence, clusters)
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def percentile_tail(confidence: float, clusters: Clusters | None = None) -> float:
    """Return the share of resampled values to leave out on each side.

    With few clusters the plain percentiles are too narrow, as a normal quantile is in place of Student's t; they are
    spread: alpha' / 2 = Phi(-t sqrt(G / (G - 1))) for G clusters, t the quantile of G - 1 degrees of freedom.

    Source: T. Hesterberg, What Teachers Should Know about the Bootstrap (arXiv:1411.5279), section 4.3.1.
    """
    tail = (1 - confidence) / 2
    if clusters is not None:
        num = count_clusters(clusters)
        tail = float(stats.norm.cdf(stats.t.ppf(tail, num - 1) * np.sqrt(num / (num - 1))))
    return tail


def bootstrap_draws(statistic: Statistic, n: int, settings: Evaluation, clusters: Clusters | None = None) -> Draws:
    """Return `statistic` on each of the resamples of `n` rows, or of whole `clusters`: shape (resamples,).

    Raises:
        ValueError: for no rows.
    """
    if n < 1:
        raise ValueError("no rows to measure on; an interval needs at least one")
    rows, rng = np.arange(n), np.random.default_rng(settings.seed)
    if n == 1:
        return np.full(settings.resamples, float(statistic(rows)))
    if clusters is not None:
        num = count_clusters(clusters)
        times = (np.bincount(rng.integers(num, size=num), minlength=num) for _ in range(settings.resamples))
        return np.array([statistic(np.repeat(rows, drawn[clusters])) for drawn in times])
    with warnings.catch_warnings():
        # about resamples that are not a number, which are left out below
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found: Draws = stats.bootstrap(
            (rows,),
            lambda indices: statistic(indices),
            n_resamples=settings.resamples,
            batch=max(1, _BATCH_INDICES // n),
            vectorized=False,
            method="percentile",
            confidence_level=settings.confidence,
            rng=rng,
        ).bootstrap_distribution
    return found


def share_interval(scores: ArrayLike, settings: Evaluation, clusters: Clusters | None = None) -> Interval:
    """Return the share of rows that are right (1; 0: wrong; NaN: does not count) with its interval.

    It is Wilson's, with `clusters` that of as many rows as they are worth. If all rows or none are right, it is
    Wilson's of as many rows as there are clusters with rows that count.
    """
    right = np.asarray(scores, dtype=np.float64)
    counts = ~np.isnan(right)
    if clusters is None:
        return accuracy_interval(right[counts], settings.confidence)
    num_counted, share = int(counts.sum()), float(right[counts].mean())
    if share in (0.0, 1.0):
        found = accuracy_interval(np.full(np.unique(clusters[counts]).size, share), settings.confidence)
        return replace(found, n=num_counted)
    codes = np.unique(clusters[counts], return_inverse=True)[1]
    sums, sizes = cluster_sums(right[counts], codes), np.bincount(codes).astype(np.float64)
    effect = design_effect(sums, sizes, num_counted * share * (1 - share), row_variance=0.25)
    low, high = wilson_bounds(share, num_counted / effect, settings.confidence, sizes.size)
    return Interval(share, low, high, num_counted)


def ratio_interval(
    ours: Statistic, theirs: Statistic, n: int, settings: Evaluation, clusters: Clusters | None = None
) -> Interval | None:
    """Return `ours / theirs` with its paired bootstrap interval, or None if `theirs` is 0 on all rows."""
    if n and theirs(np.arange(n)) == 0:
        return None

    def ratio(rows: Indices) -> float:
        divisor = theirs(rows)
        return ours(rows) / divisor if divisor else float("nan")

    return bootstrap_interval(ratio, n, settings, clusters)


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
