"""A student that hands back to its teacher what it is not sure of: pure functions of certainties and scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from stillhouse.evaluation.certainty import Floats
from stillhouse.metrics.metric import Answers

_STEPS = 50  # 0, 2, ... 98 % of the validation rows; 100 % is the teacher by itself
_CERTAINTY = 0.95  # that what is chosen on validation rows keeps to its cost on others


@dataclass(frozen=True)
class Prices:
    """What one request takes of a student, and of its teacher, in one unit of any kind."""

    student: float
    teacher: float

    def of_blend(self, handed_back: float) -> float:
        """Return the cost of a request if that share is handed back, as a fraction of the teacher's."""
        return self.student / self.teacher + handed_back


def thresholds(sure_on_validation: Floats) -> list[float]:
    """Return the certainties below which 0, 2, ... 98 % of the validation rows lie, at most; each once, rising."""
    ordered = np.sort(sure_on_validation)
    at = np.arange(_STEPS) * ordered.size // _STEPS
    # below 0 there is no certainty: nothing is handed back
    return sorted({0.0, *(float(value) for value in ordered[at[1:]])})


def choose(
    candidates: Sequence[float],
    sure_on_validation: Floats,
    prices: Prices,
    most: float,
    quality: Callable[[float], float] | None = None,
) -> float | None:
    """Return the best threshold at which the blend costs at most `most`, with 95 % certainty on rows like these.

    Best is the one with the highest `quality` on validation rows, the lowest of several. Where that is not known it is
    the largest: the more is handed back the more the teacher decides, so this spends what may be spent. None: the
    student alone costs more than that.
    """
    affordable = [one for one in candidates if prices.of_blend(_most_below(one, sure_on_validation)) <= most + 1e-12]
    if quality is None:
        return max(affordable, default=None)
    return max(affordable, key=lambda one: (quality(one), -one), default=None)


def _most_below(threshold: float, sure_on_validation: Floats) -> float:
    """Return the upper end of the share of all rows that are less sure than that: of few rows it is far up.

    Source: Wilson, Probable Inference, JASA 1927, one-sided.
    """
    if threshold <= 0:
        return 0.0  # no certainty is below it
    below, rows = int(np.sum(sure_on_validation < threshold)), len(sure_on_validation)
    found = stats.binomtest(below, rows, alternative="less").proportion_ci(_CERTAINTY, "wilson")
    return float(found.high)


def blend(sure: Floats, threshold: float, student: Answers, teacher: Answers) -> list[str | None]:
    """Return the teacher's answer to each row of which the student is less sure than `threshold`, else its own."""
    return [
        theirs if certainty < threshold else mine
        for certainty, mine, theirs in zip(sure, student, teacher, strict=True)
    ]
