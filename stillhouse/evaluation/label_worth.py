"""How many hand labels reach a given quality: where a learning curve crosses it, with an interval.

The draws of a curve share test rows and labelled rows; the interval allows for both.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import isotonic_regression

from stillhouse.evaluation.clusters import Clusters
from stillhouse.evaluation.significance import bootstrap_draws
from stillhouse.metrics.metric import Statistic
from stillhouse.recipe.evaluation import Evaluation

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """What one learner reaches at one size: its mean over the draws, and the value of each on all test rows."""

    mean: Statistic
    values: Sequence[float]


@dataclass(frozen=True)
class Size:
    """One size of a learning curve; all labels are one draw."""

    labels: int  # rows learnt from, in one draw
    rows: int  # that the draws are made of
    draws: Mapping[str, Draws]  # by learner


@dataclass(frozen=True)
class Sampled:
    """A number with its resamples, which its interval is read off."""

    value: float
    resamples: Values

    def interval(self, tail: float) -> tuple[float, float]:
        """Return what leaves out a share `tail` of the resamples on each side; it may be infinite, as they may."""
        low, high = np.quantile(self.resamples, [tail, 1 - tail], method="inverted_cdf")
        return float(low), float(high)


@dataclass(frozen=True)
class Worth:
    """The best of the learners at each size, each learner alone, and where the best crosses each level."""

    best: list[Sampled]
    learners: dict[str, list[Sampled]]
    levels: dict[str, Sampled]
    crossings: dict[str, Sampled]  # labels in all; -inf: the smallest size is enough, inf: all labels are not


def label_worth(
    sizes: Sequence[Size],
    levels: Mapping[str, Statistic],
    n: int,
    settings: Evaluation,
    clusters: Clusters | None = None,
) -> Worth:
    """Return the curve of growing `sizes` and where it crosses the `levels`, with resamples of `n` test rows.

    Curve and levels are taken on the same resampled rows, or `clusters` of them. The choice of the labelled rows adds a
    shift of the whole curve: a number of Student's t, scaled by `error_of_mean`.
    """
    learners = list(sizes[-1].draws)
    curve = [size.draws[learner].mean for learner in learners for size in sizes]
    statistics = [*curve, *levels.values()]
    values = [float(one(np.arange(n))) for one in statistics]
    # the seed is the same, so all are of the same rows
    resamples = np.stack([bootstrap_draws(one, n, settings, clusters) for one in statistics], axis=1)
    chances = np.random.default_rng((settings.seed, n)).random(settings.resamples)
    resamples[:, : len(curve)] += np.concatenate([_shifts(sizes, learner, chances) for learner in learners], axis=1)
    sampled = [Sampled(*pair) for pair in zip(values, resamples.T, strict=True)]
    by_learner = {name: sampled[at * len(sizes) :][: len(sizes)] for at, name in enumerate(learners)}
    best = [_best(each) for each in zip(*by_learner.values(), strict=True)]
    labels = np.asarray([float(size.labels) for size in sizes])
    found = dict(zip(levels, sampled[len(curve) :], strict=True))
    return Worth(best, by_learner, found, {name: _crossings(labels, best, level) for name, level in found.items()})


def crossing(labels: Values, values: Values, level: float) -> float:
    """Return the number of labels at which the curve reaches `level`, straight between its points on a log scale.

    The curve is first made to grow (isotonic regression). -inf: its first point reaches the level; inf: none does.
    """
    grown = isotonic_regression(values).x
    if level <= grown[0]:
        return -math.inf
    if level > grown[-1]:
        return math.inf
    after = int(np.argmax(grown >= level))
    share = (level - grown[after - 1]) / (grown[after] - grown[after - 1])
    low, high = np.log2(labels[after - 1 : after + 1])
    return float(2 ** (low + share * (high - low)))


def error_of_mean(spread: float, share: float, draws: int) -> float:
    """Return the standard error of the mean over draws that spread by `spread`, each of a `share` of the same rows.

    Draws of the same rows are alike. By the delete-d jackknife, the mean over all draws varies with the rows by
    spread² share / (1 - share); that it is over some of them adds spread² / draws.

    Source: J. Shao and C. F. J. Wu, A general theory for jackknife variance estimation, Annals of Statistics 17 (1989).
    """
    return spread * math.sqrt(share / (1 - share) + 1 / draws)


def _shifts(sizes: Sequence[Size], learner: str, chances: Values) -> Values:
    """Return by how much the choice of the labelled rows may shift each size, [chances, sizes].

    All labels are one draw, which has no spread: its own is that of the size before, had its rows been drawn from all
    there are, and shrinks as the root of the number of labels.
    """
    shifts, spread_of_one, freedom = [], 0.0, 1
    for size in sizes:
        values, share = size.draws[learner].values, size.labels / size.rows
        if len(values) > 1:
            spread, freedom = float(np.std(values, ddof=1)), len(values) - 1
            error = error_of_mean(spread, share, len(values))
            spread_of_one = spread * math.sqrt(size.labels / (1 - share))
        else:
            error = spread_of_one / math.sqrt(size.labels)
        shifts.append(stats.t.ppf(chances, freedom) * error)
    return np.stack(shifts, axis=1)


def _best(each: Sequence[Sampled]) -> Sampled:
    return Sampled(max(one.value for one in each), np.max([one.resamples for one in each], axis=0))


def _crossings(labels: Values, best: Sequence[Sampled], level: Sampled) -> Sampled:
    curves = np.stack([one.resamples for one in best], axis=1)
    return Sampled(
        crossing(labels, np.asarray([one.value for one in best]), level.value),
        np.asarray([crossing(labels, *pair) for pair in zip(curves, level.resamples, strict=True)]),
    )
