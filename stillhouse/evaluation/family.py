"""Several comparisons at once: what keeps the chance of any wrong claim among them at that of one."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values of one family of tests, corrected by Holm's step-down method; each is in its own place.

    The k-th smallest of m is multiplied by m - k + 1, and is at least as large as those before it and at most 1. It
    holds whatever the tests have in common, as tests on the same rows do.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6
    (1979).
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(raw.size, 0, -1))
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(p) for p in corrected]


def simultaneous_confidence(confidence: float, num_intervals: int) -> float:
    """Return the level of each of several intervals that hold together with at least `confidence` (Bonferroni)."""
    return 1 - (1 - confidence) / max(1, num_intervals)
