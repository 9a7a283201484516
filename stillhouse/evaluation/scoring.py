"""A metric of any skill as a function of the rows it is taken on: what intervals and comparisons resample.

Separate because most metrics are a mean of one number a row, which a skill's own file gives, and few are not.
"""

from collections.abc import Sequence

from stillhouse.evaluation.answers import check_rows, gold_labels, known_answers
from stillhouse.evaluation.corpus_metrics import CORPUS_METRICS, corpus_statistic
from stillhouse.evaluation.significance import (
    Interval,
    Statistic,
    accuracy_interval,
    bootstrap_interval,
    macro_f1_statistic,
    mcnemar_p_value,
    mean_statistic,
    permutation_p_value,
)
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.registry import skill_for
from stillhouse.skills.skill import Skill

Answers = Sequence[str | None]
References = Sequence[Sequence[str]]

# one row is right or wrong: shares have an exact interval and an exact test
SHARES = ("accuracy", "exact_match", "within_limit")


def row_scores(
    metric: str, predictions: Answers, references: References, labels: Sequence[str], skill: Skill
) -> list[float] | None:
    """Return the number in [0, 1] that each row has by `metric`; None where the metric is no mean over rows.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    check_rows(predictions, references)
    score = skill_for(skill.kind).row_scores.get(metric)
    if score is None:
        return None
    known = frozenset(labels)
    readable = [None if skill.has_labels and answer not in known else answer for answer in predictions]
    return [score(answer, accepted, skill) for answer, accepted in zip(readable, references, strict=True)]


def statistic(
    metric: str, predictions: Answers, references: References, labels: Sequence[str], skill: Skill
) -> Statistic:
    """Return the metric as a function of the rows it is taken on."""
    scores = row_scores(metric, predictions, references, labels, skill)
    if scores is not None:
        return mean_statistic(scores)
    if metric in CORPUS_METRICS:
        return corpus_statistic(metric, predictions, references)
    readable = known_answers(predictions, references, labels)
    return macro_f1_statistic(readable, gold_labels(readable, references))


def interval(
    metric: str,
    predictions: Answers,
    references: References,
    labels: Sequence[str],
    settings: Evaluation,
    skill: Skill,
) -> Interval:
    """Return the metric with its interval: Wilson for a share, bootstrap for all else."""
    if metric in SHARES:
        scores = row_scores(metric, predictions, references, labels, skill)
        return accuracy_interval(scores or [], settings.confidence)
    found = statistic(metric, predictions, references, labels, skill)
    return bootstrap_interval(found, len(references), settings.confidence, settings.resamples, settings.seed)


def p_value(
    metric: str,
    ours: Answers,
    theirs: Answers,
    references: References,
    labels: Sequence[str],
    settings: Evaluation,
    skill: Skill,
) -> tuple[float | None, str]:
    """Return the p-value of the difference on the same rows, and the name of the test; None where there is no test.

    Labels and shares are tested on right and wrong rows, other means by exchanging the rows' numbers.
    """
    tested = skill.metrics[0] if skill.has_labels else metric
    mine, other = (row_scores(tested, answers, references, labels, skill) for answers in (ours, theirs))
    if mine is None or other is None:
        return None, ""
    if tested in SHARES:
        return mcnemar_p_value(mine, other), "exact McNemar test on correct answers"
    return permutation_p_value(mine, other, settings.resamples, settings.seed), "paired permutation test"
