"""One metric of the answers to the test rows: its value per row, its interval, and the test of a difference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stillhouse.evaluation.clusters import Clusters
from stillhouse.evaluation.difference_tests import exchange_p_value, mean_p_value, share_p_value
from stillhouse.evaluation.significance import Interval, bootstrap_interval, share_interval
from stillhouse.metrics.metric import Answers, References, Statistic
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.registry import METRICS
from stillhouse.skills.skill import Skill


@dataclass(frozen=True)
class Scoring:
    """How answers to the test rows are scored."""

    references: References  # accepted answers of each row
    labels: Sequence[str]
    settings: Evaluation
    skill: Skill
    clusters: Clusters | None = None  # of each row; None: every row stands for itself


def readable_answers(answers: Answers, references: References, labels: Sequence[str], skill: Skill) -> list[str | None]:
    """Return the answers with None for the unreadable ones; for a skill with labels also for those outside `labels`.

    Raises:
        ValueError: for no rows, unequal lengths, or a row without a reference.
    """
    if not answers or len(answers) != len(references):
        raise ValueError(
            f"{len(answers)} answers for {len(references)} rows; give one answer a row, and at least one row"
        )
    if bare := [index for index, accepted in enumerate(references) if not accepted]:
        raise ValueError(f"rows {bare[:5]} have no reference; only rows with a reference can be scored")
    known = frozenset(labels)
    return [None if skill.has_labels and answer not in known else answer for answer in answers]


def unmeasured_metrics(scoring: Scoring) -> dict[str, str]:
    """Return the recipe's metrics that need what no row's references have, such as a call of a tool, and why."""
    named = {name: METRICS[name] for name in scoring.settings.metrics}
    return {
        name: metric.why_not
        for name, metric in named.items()
        if not metric.is_measured(scoring.references, scoring.skill)
    }


def row_scores(metric: str, answers: Answers, scoring: Scoring) -> list[float] | None:
    """Return each row's score by `metric`, in [0, 1], NaN if it does not count; None if that is no mean over rows.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    readable = readable_answers(answers, scoring.references, scoring.labels, scoring.skill)
    return METRICS[metric].row_scores(readable, scoring.references, scoring.skill)


def statistic(metric: str, answers: Answers, scoring: Scoring) -> Statistic:
    """Return the metric as a function of row indices, for resampling."""
    readable = readable_answers(answers, scoring.references, scoring.labels, scoring.skill)
    return METRICS[metric].statistic(readable, scoring.references, scoring.skill)


def interval(metric: str, answers: Answers, scoring: Scoring) -> Interval:
    """Return the metric with its interval over the rows that count: Wilson for a share, bootstrap for all else.

    With clusters Wilson's is of as many rows as these are worth, and the bootstrap's is over clusters.
    """
    settings = scoring.settings
    if METRICS[metric].kind == "share":
        return share_interval(row_scores(metric, answers, scoring) or [], settings, scoring.clusters)
    value = statistic(metric, answers, scoring)
    return bootstrap_interval(value, len(scoring.references), settings, scoring.clusters)


def p_value(metric: str, ours: Answers, theirs: Answers, scoring: Scoring) -> float:
    """Return the p-value of the difference on the same rows, by a test of the metric itself.

    Shares are tested by the exact McNemar test on right and wrong rows, other means by a paired permutation test, which
    exchanges the rows' scores, and metrics of all rows together by one that exchanges the rows' answers. A row that
    counts for one of both only is right for the other. With clusters all tests exchange whole clusters.
    """
    settings, clusters = scoring.settings, scoring.clusters
    our_scores, their_scores = (row_scores(metric, answers, scoring) for answers in (ours, theirs))
    if our_scores is None or their_scores is None:
        both = replace(scoring, references=[*scoring.references, *scoring.references])
        joint = statistic(metric, [*ours, *theirs], both)
        return exchange_p_value(joint, len(scoring.references), settings.resamples, settings.seed, clusters)
    if METRICS[metric].kind == "share":
        # NaN is true: nothing was to be got wrong there; a row that counts for neither is no evidence for any
        ours_right, theirs_right = ([float(bool(score)) for score in scores] for scores in (our_scores, their_scores))
        return share_p_value(ours_right, theirs_right, settings, clusters)
    return mean_p_value(our_scores, their_scores, settings, clusters)
