"""What a metric is: one entry that the recipe, the scoring and the report derive from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

Answers = Sequence[str | None]  # one a row; None: unreadable
References = Sequence[Sequence[str]]  # the accepted answers of each row
Indices = NDArray[np.intp]
Statistic = Callable[[Indices], float]  # row indices, with repeats -> value on those rows

# the score in [0, 1] of one answer against its references, for the skill given; NaN: the row does not count, since it
# holds nothing of what the metric is about
RowScore = Callable[[str | None, Sequence[str], Any], float]
CorpusScore = Callable[[Answers, References], Statistic]
Need = Callable[[Sequence[str], Any], bool]  # of a row's references, for the skill given


@dataclass(frozen=True)
class Metric:
    """A metric in [0, 1]; an unreadable answer is always wrong.

    A `share` is the mean of rows that are right (1) or wrong (0): it has an exact interval and an exact test. A `mean`
    averages a score of each row. A `corpus` metric is a function of all rows together. A `share` may leave out rows
    that say nothing of it.
    """

    name: str  # in the recipe and in report.json
    kind: Literal["share", "mean", "corpus"]
    function: RowScore | CorpusScore  # a RowScore for share and mean, a CorpusScore for corpus
    label: str  # in the report
    needs: Need | None = None  # what a row must have for the metric to be measured at all; None: nothing
    why_not: str = ""  # it is not measured, if no row has it

    def is_measured(self, references: References, skill: Any) -> bool:
        """Return whether some row has what the metric needs; without one its value would be of nothing."""
        return self.needs is None or any(self.needs(accepted, skill) for accepted in references)

    def row_scores(self, answers: Answers, references: References, skill: Any) -> list[float] | None:
        """Return the score of each row in [0, 1], NaN for one that does not count; None for a corpus metric."""
        if self.kind == "corpus":
            return None
        score = cast(RowScore, self.function)
        return [score(answer, accepted, skill) for answer, accepted in zip(answers, references, strict=True)]

    def statistic(self, answers: Answers, references: References, skill: Any) -> Statistic:
        """Return the metric as a function of the rows that it is taken on."""
        scores = self.row_scores(answers, references, skill)
        return cast(CorpusScore, self.function)(answers, references) if scores is None else mean_statistic(scores)


def mean_statistic(scores: Sequence[float]) -> Statistic:
    """Return the mean of the rows' scores, but for NaN, as a function of the rows that it is taken on."""
    values = np.asarray(scores, dtype=np.float64)
    counts = ~np.isnan(values)
    if counts.all():
        return lambda rows: float(values[rows].mean())

    def statistic(rows: Indices) -> float:
        counted = rows[counts[rows]]
        return float(values[counted].mean()) if counted.size else math.nan

    return statistic
