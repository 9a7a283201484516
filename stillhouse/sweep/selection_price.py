"""What having chosen the best of many costs: by how much its validation score promises more than it will keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stillhouse.metrics.metric import Statistic

METHOD = (
    "bootstrap bias correction: on each resample of the validation rows the best trial is chosen anew, and measured on "
    "the rows that the resample left out (Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018)"
)
_RESAMPLES = 1000


@dataclass(frozen=True)
class SelectionPrice:
    """The winner's score on the rows that it was chosen by, and what it is expected to reach on others."""

    chosen: float
    expected: float
    low: float
    high: float
    resamples: int

    @property
    def optimism(self) -> float:
        """By how much the score on the rows of the choice is too good."""
        return self.chosen - self.expected


def selection_price(
    values: Sequence[Statistic], num_rows: int, *, confidence: float, seed: int, resamples: int = _RESAMPLES
) -> SelectionPrice | None:
    """Return the price of the choice among trials; None for fewer than two trials or rows.

    Args:
        values: each candidate's score as a function of row indices, on the same rows.
        num_rows: validation rows.
        confidence: of the interval, which is of percentiles over resamples.
        seed: of the resamples.
        resamples: number of resamples.

    Source: Tsamardinos, Greasidou, Borboudakis: Bootstrapping the out-of-sample predictions for efficient and accurate
    cross-validation, Machine Learning 107 (2018), algorithm 4 (BBC-CV), with one set of rows in place of folds.
    """
    if len(values) < 2 or num_rows < 2:
        return None
    rng, rows = np.random.default_rng(seed), np.arange(num_rows)
    kept = []
    for _ in range(resamples):
        drawn = rng.integers(num_rows, size=num_rows)
        left_out = np.setdiff1d(rows, drawn)
        if not left_out.size:
            continue
        best = max(range(len(values)), key=lambda at: _number(values[at](drawn)))
        kept.append(values[best](left_out))
    found = np.asarray(kept, dtype=np.float64)
    if not found.size or np.isnan(found).all():
        return None
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    chosen = max(_number(value(rows)) for value in values)
    return SelectionPrice(float(chosen), float(np.nanmean(found)), float(low), float(high), len(found))


def _number(value: float) -> float:
    return -np.inf if np.isnan(value) else value
