"""A metric of any skill as a function of the rows it is taken on: what intervals and comparisons resample."""

from collections.abc import Sequence

from stillhouse.evaluation.answers import readable_answers
from stillhouse.evaluation.significance import (
    Interval,
    accuracy_interval,
    bootstrap_interval,
    mcnemar_p_value,
    permutation_p_value,
)
from stillhouse.metrics.metric import Answers, References, Statistic
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.registry import METRICS
from stillhouse.skills.skill import Skill


def row_scores(
    metric: str, predictions: Answers, references: References, labels: Sequence[str], skill: Skill
) -> list[float] | None:
    """Return the number in [0, 1] that each row has by `metric`; None if the metric is no mean over rows.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    readable = readable_answers(predictions, references, labels, skill)
    return METRICS[metric].row_scores(readable, references, skill)


def statistic(
    metric: str, predictions: Answers, references: References, labels: Sequence[str], skill: Skill
) -> Statistic:
    """Return the metric as a function of the rows it is taken on."""
    readable = readable_answers(predictions, references, labels, skill)
    return METRICS[metric].statistic(readable, references, skill)


def interval(
    metric: str,
    predictions: Answers,
    references: References,
    labels: Sequence[str],
    settings: Evaluation,
    skill: Skill,
) -> Interval:
    """Return the metric with its interval: Wilson for a share, bootstrap for all else."""
    if METRICS[metric].kind == "share":
        scores = row_scores(metric, predictions, references, labels, skill)
        return accuracy_interval(scores or [], settings.confidence)
    value = statistic(metric, predictions, references, labels, skill)
    return bootstrap_interval(value, len(references), settings.confidence, settings.resamples, settings.seed)


def p_value(
    metric: str,
    ours: Answers,
    theirs: Answers,
    references: References,
    labels: Sequence[str],
    settings: Evaluation,
    skill: Skill,
) -> tuple[float | None, str]:
    """Return the p-value of the difference on the same rows, and the name of the test; None if there is no test.

    Labels and shares are tested on right and wrong rows, other means by exchanging the rows' numbers.
    """
    tested = skill.metrics[0].name if skill.has_labels else metric
    mine, other = (row_scores(tested, answers, references, labels, skill) for answers in (ours, theirs))
    if mine is None or other is None:
        return None, ""
    if METRICS[tested].kind == "share":
        return mcnemar_p_value(mine, other), "exact McNemar test on correct answers"
    return permutation_p_value(mine, other, settings.resamples, settings.seed), "paired permutation test"
