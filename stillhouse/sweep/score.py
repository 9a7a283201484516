"""A trial's score: the objective on the validation rows, as a function of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stillhouse.errors import DataError
from stillhouse.evaluation.evidence import ANSWERS, read_scored
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import Scoring, statistic
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.metrics.metric import Statistic, mean_statistic
from stillhouse.recipe.recipe import Recipe


@dataclass(frozen=True)
class Scored:
    """The objective of one student's answers to the validation rows."""

    rows: tuple[str, ...]  # ids, in the order of the indices that `value` takes
    value: Statistic

    @property
    def score(self) -> float:
        """The objective on all rows."""
        return self.value(np.arange(len(self.rows)))


def objective_of(recipe: Recipe) -> str:
    """Return the name of the metric that a sweep of the recipe makes great."""
    named = recipe.sweep.objective if recipe.sweep else ""
    return named or ("accuracy" if recipe.skill.has_labels else recipe.evaluation.metrics[0])


def score_answers(folder: Path, truth: Mapping[str, Truth], recipe: Recipe, labels: tuple[str, ...]) -> Scored:
    """Return the objective of the answers in `folder`, on the rows of which `truth` says what is right.

    Of free answers only rows with a reference count: to be unlike what the teacher wrote is not wrong.

    Raises:
        DataError: no validation row says what is right.
    """
    answered = read_scored(folder / ANSWERS)[ModelRole.STUDENT]
    known = {
        name: truth[name].accepted
        for name in sorted(answered)
        if name in truth and (recipe.skill.has_labels or truth[name].has_reference)
    }
    if not known:
        raise DataError(
            "a sweep chooses by validation rows, and of none is it known what is right: give `data.validation` rows "
            "with references."
        )
    answers, metric = [answered[name].answer for name in known], objective_of(recipe)
    if metric == "accuracy" and recipe.skill.has_labels:
        # as the best of several students is chosen
        right = [
            float(answer is not None and bool(recipe.skill.verify(answer, accepted)))
            for answer, accepted in zip(answers, known.values(), strict=True)
        ]
        return Scored(tuple(known), mean_statistic(right))
    scoring = Scoring(list(known.values()), labels, recipe.evaluation, recipe.skill)
    return Scored(tuple(known), statistic(metric, answers, scoring))
