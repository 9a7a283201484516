"""How likely a comparison of two models passes, and how many rows it takes: announced before, and told after."""

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stillhouse.evaluation.power import POWER
from stillhouse.gate.shares import score

MOST_ROWS = 100_000  # beyond it no number of rows is named
_GAIN_STEP = 0.0005
_SPREADS = 6.5  # standard deviations of the counts that are summed over


def not_worse_power(num_rows: int, differing: float, margin: float, level: float, gain: float = 0.0) -> float:
    """Return the chance that "not worse by `margin`" passes at the one-sided `level`, summed over all counts.

    `differing` is the true share of rows that just one of both has right, `gain` the true difference.
    """
    ours, theirs = (differing + gain) / 2, (differing - gain) / 2
    b, c, chances = _counts(num_rows, ours, theirs)
    passes = score(b, c, num_rows, -margin) >= stats.norm.isf(level)
    return float(chances[passes].sum())


def better_power(num_rows: int, differing: float, gain: float, level: float) -> float:
    """Return the chance that "better than" passes by the exact McNemar test, of a true difference `gain`."""
    b, c, chances = _counts(num_rows, (differing + gain) / 2, (differing - gain) / 2)
    passes = stats.binom.sf(b - 1, b + c, 0.5) <= level
    return float(chances[passes].sum())


@functools.lru_cache(maxsize=256)
def gain_that_shows(num_rows: int, differing: float, level: float) -> float | None:
    """Return the smallest true difference with which "better than" passes with 80 % power; None if none does.

    No difference is larger than `differing`, the share of rows that just one of both has right.
    """
    low, high = 0.0, differing
    if better_power(num_rows, differing, high, level) < POWER:
        return None
    while high - low > _GAIN_STEP:
        middle = (low + high) / 2
        shows = better_power(num_rows, differing, middle, level) >= POWER
        low, high = (low, middle) if shows else (middle, high)
    return high


def grouped_power(
    num_rows: int, differing: float, margin: float, level: float, *, design_effect: float, num_groups: int
) -> float:
    """Return about the chance that "not worse by `margin`" passes over groups, if the models are equally good.

    It is that of as many rows as the groups are worth, held to Student's t.
    """
    worth = max(1, round(num_rows / design_effect))
    return not_worse_power(worth, differing, margin, float(stats.norm.sf(stats.t.isf(level, num_groups - 1))))


def score_power(standard_error: float, margin: float, level: float, num_units: int) -> float:
    """Return about the chance that "not worse by `margin`" passes by scores, if the models are equally good.

    It is that of a t-test over as many rows or groups; `standard_error` is that of the mean difference.
    """
    if standard_error <= 0 or num_units < 2:
        return 0.0
    limit = stats.t.isf(level, num_units - 1)
    return float(stats.nct.sf(limit, num_units - 1, margin / standard_error))


@functools.lru_cache(maxsize=256)
def rows_for_margin(differing: float, margin: float, level: float, design_effect: float = 1.0) -> int | None:
    """Return the rows with which two models that are alike pass "not worse by `margin`" with 80 % power.

    None for more than 100,000. Over groups it is the number of rows alone, times the design effect.
    """
    low, high = 1, 16
    while not_worse_power(high, differing, margin, level) < POWER:
        low, high = high, high * 2
        if high > MOST_ROWS:
            return None
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        is_enough = not_worse_power(middle, differing, margin, level) >= POWER
        low, high = (low, middle) if is_enough else (middle, high)
    return math.ceil(high * design_effect)


def _counts(
    num_rows: int, ours: float, theirs: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the likely counts of rows that only ours and only theirs has right, and the chance of each pair."""
    b, c = (_range(num_rows, share) for share in (ours, theirs))
    of_ours = stats.binom.pmf(b, num_rows, ours)
    rest = theirs / (1 - ours) if ours < 1 else 0.0
    chances = of_ours[:, None] * stats.binom.pmf(c[None, :], num_rows - b[:, None], min(rest, 1.0))
    return np.broadcast_to(b[:, None], chances.shape), np.broadcast_to(c[None, :], chances.shape), chances


def _range(num_rows: int, share: float) -> NDArray[np.intp]:
    middle, reach = num_rows * share, _SPREADS * math.sqrt(num_rows * share * (1 - share)) + 8
    return np.arange(max(0, math.floor(middle - reach)), min(num_rows, math.ceil(middle + reach)) + 1)
