"""A total over many prompts, forecast from a random sample of them.

These are plain statistics over numbers, whatever they count. The length of each prompt is known beforehand: the total
is that of a straight line over the lengths, fitted to the sample, with the prediction interval of ordinary least
squares for the sum of M further observations. With y = a + b x fitted to n pairs and residual variance s^2,

    sum of M  +-  t(n - 2) * s * M * sqrt(1/M + 1/n + (mean x of the M - mean x)^2 / sum (x - mean x)^2)

Source: Draper and Smith, Applied Regression Analysis, 3rd edition, chapter 1.4, for the mean of M new observations;
times M. Where all sampled x are equal, or fewer than three are known, the line is flat: the mean, n - 1, no last term.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from stillhouse.config import StrictModel

Numbers = NDArray[np.float64]
CONFIDENCE = 0.95


class Range(StrictModel):
    """A forecast with its 95 % interval; without bounds where the sample is too small for any."""

    model_config = ConfigDict(allow_inf_nan=False)

    value: float
    low: float | None
    high: float | None

    def plus(self, amount: float) -> "Range":
        """Return the forecast of this and an amount that is known."""
        return self._each(lambda bound: bound + amount)

    def times(self, factor: float) -> "Range":
        """Return the forecast of `factor` (not below 0) times as much."""
        return self._each(lambda bound: bound * factor)

    def product(self, other: "Range") -> "Range":
        """Return the forecast of the product with another one (neither below 0), as wide as both together allow."""
        low, high = _product(self.low, other.low), _product(self.high, other.high)
        return Range(value=self.value * other.value, low=low, high=high)

    def at_least(self, least: float) -> "Range":
        """Return the forecast of what can't be less than `least`."""
        return self._each(lambda bound: max(bound, least))

    def recentred(self, value: float) -> "Range":
        """Return `value` with this forecast's interval about it."""
        moved = self.plus(value - self.value)
        return moved.model_copy(update={"low": None if moved.low is None else max(0.0, moved.low)})

    def _each(self, change: Callable[[float], float]) -> "Range":
        low, high = (None if bound is None else change(bound) for bound in (self.low, self.high))
        return Range(value=change(self.value), low=low, high=high)


def _product(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other


def exact_range(value: float) -> Range:
    """Return a number that is known."""
    return Range(value=value, low=value, high=value)


def part_of(amount: Range | None, share: Range | None) -> Range | None:
    """Return the forecast of a share of `amount`, itself a forecast; None if either is not known.

    Of an unknown amount, a share of 0 is expected to be 0, without an upper bound.
    """
    if share is None:
        return None
    if amount is None:
        return Range(value=0.0, low=0.0, high=None) if share.value == 0.0 else None
    return amount.product(share)


def sum_ranges(ranges: Iterable["Range | None"]) -> Range | None:
    """Return the sum of forecasts that are off in the same direction, being made of one sample; None with a part."""
    parts = list(ranges)
    if any(one is None for one in parts):
        return None
    known = [one for one in parts if one is not None]
    lows, highs = [one.low for one in known], [one.high for one in known]
    return Range(
        value=sum(one.value for one in known),
        low=None if None in lows else sum(low for low in lows if low is not None),
        high=None if None in highs else sum(high for high in highs if high is not None),
    )


def forecast_sum(
    x: Sequence[float], y: Sequence[float], x_missing: Sequence[float], most: float | None = None
) -> Range | None:
    """Return the sum of y over `x_missing`, none of them below 0 or above `most`; None without a sample."""
    xs, ys, wanted = (np.asarray(values, dtype=np.float64) for values in (x, y, x_missing))
    if not len(wanted):
        return exact_range(0.0)
    if not len(ys):
        return None
    slope = _slope(xs, ys)
    predicted = np.clip(ys.mean() + slope * (wanted - xs.mean()), 0.0, most)
    value = float(predicted.sum())
    half = _half_width(xs, ys, wanted, slope)
    if half is None:
        return Range(value=value, low=None, high=None)
    top = value + half if most is None else min(value + half, most * len(wanted))
    return Range(value=value, low=max(0.0, value - half), high=top)


def _slope(x: Numbers, y: Numbers) -> float:
    spread = float(((x - x.mean()) ** 2).sum())
    if len(x) < 3 or spread == 0.0:
        return 0.0
    return float(((x - x.mean()) * (y - y.mean())).sum() / spread)


def _half_width(x: Numbers, y: Numbers, wanted: Numbers, slope: float) -> float | None:
    from scipy import stats

    spread = float(((x - x.mean()) ** 2).sum())
    is_line = len(x) >= 3 and spread > 0.0
    freedom = len(x) - (2 if is_line else 1)
    if freedom < 1:
        return None
    residuals = y - y.mean() - slope * (x - x.mean())
    variance = float((residuals**2).sum()) / freedom
    shift = float((wanted.mean() - x.mean()) ** 2) / spread if is_line else 0.0
    of_the_mean = 1.0 / len(wanted) + 1.0 / len(x) + shift
    return float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * len(wanted) * math.sqrt(variance * of_the_mean)


def forecast_like(values: Sequence[float], num_missing: int) -> Range | None:
    """Return the sum of `num_missing` further values like `values`.

    If all are 0 or 1, they are a share, with Wilson's interval; else a mean.
    """
    if set(values) <= {0.0, 1.0}:
        return forecast_share(round(sum(values)), len(values), num_missing)
    return forecast_sum([0.0] * len(values), values, [0.0] * num_missing)


def forecast_share(num_kept: int, num_seen: int, num_missing: int) -> Range | None:
    """Return how many of `num_missing` will be kept, if `num_kept` of a random `num_seen` were; Wilson's interval."""
    if not num_missing:
        return exact_range(0.0)
    if not num_seen:
        return None
    from scipy import stats

    share = stats.binomtest(num_kept, num_seen).proportion_ci(CONFIDENCE, method="wilson")
    low, high = float(share.low), float(share.high)
    return Range(value=num_missing * num_kept / num_seen, low=num_missing * low, high=num_missing * high)
