"""Measures a round's student on validation rows, against the round before on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stillhouse.data.row import Row
from stillhouse.errors import DataError
from stillhouse.evaluation.clusters import clusters_of
from stillhouse.evaluation.scored import Scored
from stillhouse.evaluation.scoring import Scoring, interval, statistic
from stillhouse.evaluation.significance import Interval, bootstrap_draws, percentile_bounds
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.metrics.metric import Answers
from stillhouse.recipe.recipe import Recipe


@dataclass(frozen=True)
class Measure:
    """The validation rows that rounds are measured on, and what counts as right there: the same in all rounds."""

    row_ids: tuple[str, ...]
    scoring: Scoring
    metric: str
    by_references: bool  # False: some are right if they are what the teacher answered

    def quality(self, answers: Answers) -> Interval:
        """Return the metric of one round's answers with its interval."""
        return interval(self.metric, answers, self.scoring)

    def gain(self, answers: Answers, before: Answers) -> Interval:
        """Return the metric of one round less that of another, with the paired bootstrap's interval."""
        ours, theirs = (statistic(self.metric, one, self.scoring) for one in (answers, before))
        num, settings, clusters = len(self.row_ids), self.scoring.settings, self.scoring.clusters
        drawn = bootstrap_draws(lambda rows: ours(rows) - theirs(rows), num, settings, clusters)
        low, high = percentile_bounds(drawn, settings.confidence, clusters)
        every = np.arange(num)
        return Interval(float(ours(every) - theirs(every)), low, high, num)

    def answers_of(self, scored: Mapping[str, Scored]) -> Answers:
        """Return a student's answers in the order of the rows; None for a row that it was not asked."""
        return [scored[one].answer if one in scored else None for one in self.row_ids]


def measure_on(
    rows: Sequence[Row],
    truth: Mapping[str, Truth],
    answered: Mapping[str, Scored],
    recipe: Recipe,
    labels: Sequence[str],
) -> Measure:
    """Return what rounds are measured on: the validation rows of which something is known to be right.

    Args:
        rows: all validation rows.
        truth: what counts as right on one, by its id, from the first round's training set. A free answer is measured by
            references as long as any row has one: to be unlike what the teacher wrote is not wrong.
        answered: those that the first round's student answered; of very many some are drawn.
        recipe: the run's.
        labels: the skill's.

    Raises:
        DataError: there is no such row.
    """
    known = {one: found for one, found in truth.items() if one in answered}
    if not recipe.skill.has_labels and any(one.has_reference for one in known.values()):
        known = {one: found for one, found in known.items() if found.has_reference}
    measured = list({row["id"]: row for row in rows if row["id"] in known}.values())
    if not measured:
        raise DataError(
            "rounds are measured on validation rows, and of none it is known what is right: name labelled rows in "
            "data.validation, raise data.validation_fraction, or leave rounds out."
        )
    scoring = Scoring(
        [known[row["id"]].accepted for row in measured],
        labels,
        recipe.evaluation,
        recipe.skill,
        clusters_of(measured),
    )
    return Measure(
        tuple(row["id"] for row in measured),
        scoring,
        recipe.evaluation.metrics[0],
        all(known[row["id"]].has_reference for row in measured),
    )
