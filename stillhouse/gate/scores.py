"""The paired test of two models' scores that are no plain right and wrong: by the BCa bootstrap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stillhouse.evaluation.clusters import Clusters, cluster_sums, count_clusters
from stillhouse.evaluation.significance import Draws, bootstrap_draws
from stillhouse.metrics.metric import Statistic
from stillhouse.recipe.evaluation import Evaluation

# resamples beyond a bound below which their number says too little; the tail beyond is taken to be normal
_TAIL_DRAWS = 20
# units above which skewness is next to nothing, and leaving each out once takes long
_MOST_LEFT_OUT = 2_000
# units that differ below which the resamples hold too few of them
_FEW_DIFFER = 20
# resampled values held at once: 16 MB
_BATCH_VALUES = 2_000_000


@dataclass(frozen=True)
class PairedScores:
    """How two models' scores on the same rows differ."""

    difference: float
    drawn: Draws  # of the difference, sorted
    acceleration: float
    num_rows: int
    num_units: int  # rows, or groups of rows
    num_groups: int | None
    losses: tuple[int, int] | None = None  # units that theirs is better on, and that differ; None: of all rows together

    @property
    def standard_error(self) -> float:
        """The spread of the difference over the resamples."""
        return float(self.drawn.std())


def pair_means(differences: ArrayLike, settings: Evaluation, clusters: Clusters | None = None) -> PairedScores:
    """Return the mean difference of two models' scores of each row with its resamples, over rows or `clusters`."""
    rows = np.asarray(differences, dtype=np.float64)
    units = np.arange(rows.size) if clusters is None else clusters
    sums, sizes = cluster_sums(rows, units), np.bincount(units).astype(np.float64)
    drawn: Draws = stats.bootstrap(
        (sums, sizes),
        lambda sums, sizes, axis: sums.sum(axis) / sizes.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=settings.resamples,
        batch=max(1, _BATCH_VALUES // sums.size),
        method="percentile",
        rng=np.random.default_rng(settings.seed),
    ).bootstrap_distribution
    left = (sums.sum() - sums) / np.maximum(rows.size - sizes, 1)
    return PairedScores(
        difference=float(rows.mean()),
        drawn=np.sort(drawn),
        acceleration=_acceleration(left),
        num_rows=rows.size,
        num_units=sums.size,
        num_groups=None if clusters is None else sums.size,
        losses=(int((sums < -1e-12).sum()), int((np.abs(sums) > 1e-12).sum())),
    )


def pair_statistics(
    statistic: Statistic, num_rows: int, settings: Evaluation, clusters: Clusters | None = None
) -> PairedScores:
    """Return the difference of a metric of all rows together, a function of row indices, with its resamples."""
    units, rows = np.arange(num_rows) if clusters is None else clusters, np.arange(num_rows)
    drawn = bootstrap_draws(statistic, num_rows, settings, clusters)
    num_units = count_clusters(units)
    is_small = num_units <= _MOST_LEFT_OUT
    left = [statistic(rows[units != unit]) for unit in range(num_units)] if is_small and num_units > 1 else []
    return PairedScores(
        difference=float(statistic(rows)),
        drawn=np.sort(drawn[~np.isnan(drawn)]),
        acceleration=_acceleration(np.array(left)),
        num_rows=num_rows,
        num_units=num_units,
        num_groups=None if clusters is None else num_units,
    )


def above_p_value(pair: PairedScores, bound: float) -> float:
    """Return the one-sided p-value of a true difference of at most `bound`: the level at which BCa's end is `bound`.

    With few units it is spread as `percentile_tail` spreads percentiles. Where hardly a unit differs, resamples of
    them say too little: p is then at least the chance of so few losses. Scores differ by 1 at most, so that a loss of
    the margin takes that share of units at least.

    Source: B. Efron, Better bootstrap confidence intervals, JASA 82 (1987), equation 6.8 solved for the level.
    """
    spread = _bca_p_value(pair, bound) if pair.standard_error > 1e-12 else float(pair.difference <= bound)
    if bound < 0 and pair.losses is not None and pair.losses[1] < _FEW_DIFFER:
        return max(spread, float(stats.binom.cdf(pair.losses[0], pair.num_units, -bound)))
    return spread if pair.standard_error > 1e-12 else 1.0


def _bca_p_value(pair: PairedScores, bound: float) -> float:
    bias = _normal_place(pair, pair.difference)
    distance = _normal_place(pair, bound) - bias
    skewed = 1 + pair.acceleration * distance
    z = distance / skewed - bias if skewed > 0 else np.copysign(np.inf, distance)
    num = pair.num_units
    return float(stats.t.cdf(z * np.sqrt((num - 1) / num), num - 1))


def _normal_place(pair: PairedScores, value: float) -> float:
    """Return the normal quantile of the share of resamples below `value`, those equal to it counting half."""
    drawn, few = pair.drawn, _TAIL_DRAWS
    below, up_to = (np.searchsorted(drawn, value, side) for side in ("left", "right"))
    rank = (below + up_to) / 2
    if few <= rank <= drawn.size - few:
        return float(stats.norm.ppf(rank / drawn.size))
    low, middle, high = drawn[few - 1], float(np.median(drawn)), drawn[-few]
    end = low if rank < few else high
    if end == middle:
        return float(np.sign(value - middle)) * np.inf if value != middle else 0.0
    return float(stats.norm.ppf(1 - few / drawn.size)) * float((value - middle) / abs(end - middle))


def _acceleration(left: NDArray[np.float64]) -> float:
    """Return a sixth of the skewness of a statistic, from its values with each unit left out once; 0 without any."""
    pulls = np.nanmean(left) - left if left.size else left
    spread = float(np.nansum(pulls**2)) ** 1.5
    return float(np.nansum(pulls**3)) / (6 * spread) if spread > 0 else 0.0
