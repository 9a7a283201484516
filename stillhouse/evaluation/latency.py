"""How much sooner one model answers than another, with its interval over the timed requests."""

from collections.abc import Sequence

import numpy as np

from stillhouse.evaluation.significance import Draws, Interval, percentile_bounds
from stillhouse.recipe.evaluation import Evaluation


def reduction_interval(
    ours: Sequence[float], theirs: Sequence[float], settings: Evaluation, *, are_paired: bool
) -> Interval | None:
    """Return 1 - median(ours) / median(theirs) with its bootstrap interval over the requests; None without times.

    Paired times, of the same rows in turn, are drawn together: what slows the machine slows both.
    """
    first, second = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if not first.size or not second.size:
        return None
    rng = np.random.default_rng(settings.seed)
    drawn = rng.integers(first.size, size=(settings.resamples, first.size))
    other = drawn if are_paired else rng.integers(second.size, size=(settings.resamples, second.size))
    reductions: Draws = 1 - np.median(first[drawn], axis=1) / np.median(second[other], axis=1)
    low, high = percentile_bounds(reductions, settings.confidence)
    return Interval(float(1 - np.median(first) / np.median(second)), low, high, first.size)
