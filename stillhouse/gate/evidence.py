"""What the gate compares: two models' scores on the test rows, by role and metric."""

from dataclasses import dataclass

import numpy as np

from stillhouse.evaluation.scoring import Scoring, row_scores, statistic
from stillhouse.gate.scores import PairedScores, pair_means, pair_statistics
from stillhouse.gate.shares import PairedShares, pair_shares
from stillhouse.metrics.metric import Answers
from stillhouse.skills.registry import METRICS

Paired = PairedShares | PairedScores


@dataclass(frozen=True)
class Opponent:
    """The model that a rule names: its role in the report and, if it was measured, its answers to the test rows."""

    role: str
    answers: Answers | None
    why_not: str = ""  # it was not measured
    why_settled: str = ""  # nothing is to be compared: there is no such model yet, or the student is it


def pair(metric: str, ours: Answers, theirs: Answers, scoring: Scoring) -> Paired:
    """Return how two models differ by `metric` on the same rows, over rows or the clusters of `scoring`."""
    own, other = (row_scores(metric, answers, scoring) for answers in (ours, theirs))
    if METRICS[metric].kind == "share" and own is not None and other is not None:
        # NaN is true: nothing was to be got wrong there
        ours_right, theirs_right = ([bool(score) for score in scores] for scores in (own, other))
        return pair_shares(ours_right, theirs_right, scoring.clusters)
    settings, clusters = scoring.settings, scoring.clusters
    if own is not None and other is not None:
        return pair_means(np.asarray(own) - np.asarray(other), settings, clusters)
    mine, others = (statistic(metric, answers, scoring) for answers in (ours, theirs))
    return pair_statistics(lambda rows: mine(rows) - others(rows), len(scoring.references), settings, clusters)
