"""Tests of a difference between two models on the same rows: p-values of paired comparisons."""

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stillhouse.evaluation.clusters import Clusters, cluster_sums, count_clusters
from stillhouse.metrics.metric import Statistic
from stillhouse.recipe.evaluation import Evaluation

# exchanged values held at once: 16 MB
_BATCH_VALUES = 2_000_000


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
        batch=max(1, _BATCH_VALUES // first.size),
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def share_p_value(ours: ArrayLike, theirs: ArrayLike, settings: Evaluation, clusters: Clusters | None = None) -> float:
    """Return the two-sided p-value of the difference of shares: exact McNemar's, or with `clusters` `mean_p_value`."""
    if clusters is None:
        return mcnemar_p_value(ours, theirs)
    return mean_p_value(ours, theirs, settings, clusters)


def mean_p_value(ours: ArrayLike, theirs: ArrayLike, settings: Evaluation, clusters: Clusters | None = None) -> float:
    """Return the two-sided p-value of the difference of means, by exchanging the numbers of random rows or `clusters`.

    Exchanging those of a cluster together holds whatever its rows have in common.
    """
    first, second = (np.asarray(one, dtype=np.float64) for one in (ours, theirs))
    if clusters is not None:
        first, second = cluster_sums(first, clusters), cluster_sums(second, clusters)
    return permutation_p_value(first, second, settings.resamples, settings.seed)


def exchange_p_value(joint: Statistic, n: int, resamples: int, seed: int, clusters: Clusters | None = None) -> float:
    """Return the two-sided p-value of the difference of any statistic between two models' answers to `n` rows.

    `joint` takes indices of 2n answers, ours to all rows and then theirs. If the models are alike, exchanging their
    answers to random rows, or to all rows of random `clusters`, changes nothing.
    """
    rows, rng = np.arange(n), np.random.default_rng(seed)

    def exchanged() -> NDArray[np.bool_]:
        chosen = rng.random(n if clusters is None else count_clusters(clusters)) < 0.5
        return chosen if clusters is None else chosen[clusters]

    def difference(swapped: NDArray[np.bool_]) -> float:
        return abs(joint(rows + n * swapped) - joint(rows + n * ~swapped))

    observed = difference(np.zeros(n, dtype=bool))
    # what differs by rounding alone is as large
    as_large = sum(difference(exchanged()) >= observed - 1e-12 for _ in range(resamples))
    return (1 + as_large) / (1 + resamples)


def _paired(ours: ArrayLike, theirs: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = np.asarray(ours, dtype=bool), np.asarray(theirs, dtype=bool)
    if not first.size or first.shape != second.shape:
        raise ValueError(f"{first.size} and {second.size} rows; a paired comparison needs the same rows for both")
    return first, second
