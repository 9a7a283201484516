"""Paired tests of right and wrong answers: whether one model is better than another, or not worse by a margin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stillhouse.evaluation.clusters import Clusters, cluster_sums
from stillhouse.evaluation.design_effect import design_effect


@dataclass(frozen=True)
class PairedShares:
    """How two models' right answers to the same rows differ."""

    only_ours: int  # rows that ours alone has right
    only_theirs: int
    num_rows: int
    sums: NDArray[np.intp]  # of each group of rows: only_ours less only_theirs; of each row if rows stand alone
    design_effect: float = 1.0  # variance of the difference over what as many rows alone would have
    num_groups: int | None = None

    @property
    def difference(self) -> float:
        """The share of ours less that of theirs."""
        return (self.only_ours - self.only_theirs) / self.num_rows

    @property
    def differing(self) -> float:
        """The share of rows that just one of both has right."""
        return (self.only_ours + self.only_theirs) / self.num_rows


def pair_shares(ours: ArrayLike, theirs: ArrayLike, clusters: Clusters | None = None) -> PairedShares:
    """Return how right (True) and wrong answers to the same rows differ, over rows or `clusters`.

    Raises:
        ValueError: for no rows, or unequal lengths.
    """
    first, second = np.asarray(ours, dtype=bool), np.asarray(theirs, dtype=bool)
    if not first.size or first.shape != second.shape:
        raise ValueError(f"{first.size} and {second.size} rows; a paired comparison needs the same rows for both")
    signs = first.astype(np.intp) - second.astype(np.intp)
    counts = int((signs > 0).sum()), int((signs < 0).sum()), signs.size
    if clusters is None:
        return PairedShares(*counts, sums=signs)
    sums = cluster_sums(signs.astype(np.float64), clusters)
    sizes = np.bincount(clusters).astype(np.float64)
    spread = sum(counts[:2]) - signs.size * float(signs.mean()) ** 2
    effect = design_effect(sums, sizes, spread, row_variance=1.0)
    return PairedShares(*counts, sums=np.rint(sums).astype(np.intp), design_effect=effect, num_groups=sums.size)


def better_p_value(sums: ArrayLike) -> float:
    """Return the one-sided exact p-value of models that are alike: both signs of each group's sum are as likely.

    With rows that stand alone it is the exact McNemar test; over groups it is the exact sign-flip test. 1 if nothing
    differs.
    """
    found = np.asarray(sums, dtype=np.intp)
    sizes, counts = np.unique(np.abs(found[found != 0]), return_counts=True)
    chances = np.ones(1)  # of the total size of the groups that are ours
    for size, number in zip(sizes.tolist(), counts.tolist(), strict=True):
        own = np.zeros(size * number + 1)
        own[::size] = stats.binom.pmf(np.arange(number + 1), number, 0.5)
        chances = np.convolve(chances, own)
    return float(min(1.0, chances[int(found[found > 0].sum()) :].sum()))


def above_p_value(pair: PairedShares, bound: float) -> float:
    """Return the one-sided p-value of a true difference of at most `bound`, by Tango's score test.

    Over groups it is that of as many rows as they are worth (rows / design effect), against Student's t.
    """
    effect = pair.design_effect
    z = score(pair.only_ours / effect, pair.only_theirs / effect, pair.num_rows / effect, bound)
    tail = stats.norm.sf(z) if pair.num_groups is None else stats.t.sf(z, pair.num_groups - 1)
    return float(tail)


def score(only_ours: ArrayLike, only_theirs: ArrayLike, num_rows: ArrayLike, bound: float) -> NDArray[np.float64]:
    """Return Tango's score of counts against a true difference of `bound` (-1 to 1): how far above it they are.

        z = (b - c - n D) / sqrt(n (2 q + D (1 - D))),

    q being the likeliest share of rows that theirs alone has right if the difference is D.

    Source: T. Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design, Statistics in Medicine 17 (1998).
    """
    b, c, n = (np.asarray(one, dtype=np.float64) for one in (only_ours, only_theirs, num_rows))
    variance = n * (2 * likeliest(b, c, n, bound) + bound * (1 - bound))
    surplus = b - c - n * bound
    # without variance the counts are those of the bound itself, or can't be under it
    with np.errstate(divide="ignore", invalid="ignore"):
        z = surplus / np.sqrt(np.maximum(variance, 0.0))
    return np.where(variance > 1e-12, z, np.where(np.abs(surplus) < 1e-9, 0.0, np.copysign(np.inf, surplus)))


def likeliest(
    b: NDArray[np.float64], c: NDArray[np.float64], n: NDArray[np.float64], bound: float
) -> NDArray[np.float64]:
    """Return the likeliest share of rows that theirs alone has right, if the true difference is `bound`."""
    linear = -b - c + (2 * n - b + c) * bound
    constant = -c * bound * (1 - bound)
    root = np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0.0))
    found: NDArray[np.float64] = np.maximum((root - linear) / (4 * n), max(0.0, -bound))
    return found
