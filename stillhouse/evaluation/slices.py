"""Student against teacher on parts of the test rows: by label, length, and whatever else parts them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillhouse.evaluation.clusters import Clusters
from stillhouse.evaluation.difference_tests import mean_p_value, share_p_value
from stillhouse.evaluation.family import holm
from stillhouse.evaluation.scoring import Scoring, row_scores
from stillhouse.evaluation.significance import bootstrap_interval, share_interval
from stillhouse.metrics.metric import Answers, mean_statistic
from stillhouse.skills.registry import METRICS

FEWEST_ROWS = 10  # of a slice; of fewer nothing is said
_FEWEST_CLUSTERS = 5

Names = Sequence[str | None]  # the slice of each row; None: of none


@dataclass(frozen=True)
class PairedScores:
    """What both models reach on each test row by one metric; NaN: the row does not count."""

    metric: str
    ours: NDArray[np.float64]
    theirs: NDArray[np.float64]
    scoring: Scoring


def paired_scores(ours: Answers, theirs: Answers, scoring: Scoring) -> PairedScores | None:
    """Return the scores by the recipe's first metric that scores rows, else the skill's; None if it has none."""
    named = [*scoring.settings.metrics, *(metric.name for metric in scoring.skill.metrics)]
    for metric in named:
        if METRICS[metric].is_measured(scoring.references, scoring.skill):
            first, second = (row_scores(metric, answers, scoring) for answers in (ours, theirs))
            if first is not None and second is not None:
                return PairedScores(metric, np.asarray(first), np.asarray(second), scoring)
    return None


def slice_block(names: Mapping[str, Names], scores: PairedScores) -> dict[str, Any]:
    """Return the report's `slices`: a table over all kinds with p-values corrected by Holm, and what is too small.

    `names` holds each row's slice by kind. A kind that does not part the rows is left out.
    """
    table, too_small = [], dict[str, int]()
    for kind, of_rows in names.items():
        values = sorted({name for name in of_rows if name is not None})
        if len(values) < 2:
            continue
        for value in values:
            rows = np.array([at for at, name in enumerate(of_rows) if name == value])
            if found := _slice(rows, scores):
                table.append({"kind": kind, "name": value, **found})
            else:
                too_small[kind] = too_small.get(kind, 0) + 1
    for entry, p in zip(table, holm([entry["difference"]["p_value"] for entry in table]), strict=True):
        entry["difference"]["p_corrected"] = p
    return {"metric": scores.metric, "table": table, "too_small": too_small, "fewest_rows": FEWEST_ROWS}


def _slice(rows: NDArray[np.intp], scores: PairedScores) -> dict[str, Any] | None:
    """Return both models' quality on `rows` and the difference; None if they are too few to say anything."""
    ours, theirs = scores.ours[rows], scores.theirs[rows]
    clusters = _clusters(rows, scores.scoring.clusters)
    num_clusters = np.unique(clusters).size if clusters is not None else len(rows)
    if min(np.sum(~np.isnan(ours)), np.sum(~np.isnan(theirs))) < FEWEST_ROWS or num_clusters < _FEWEST_CLUSTERS:
        return None
    settings = scores.scoring.settings
    mine, other = mean_statistic(ours.tolist()), mean_statistic(theirs.tolist())
    gap = bootstrap_interval(lambda drawn: mine(drawn) - other(drawn), len(rows), settings, clusters)
    is_share = METRICS[scores.metric].kind == "share"
    # a row that does not count is none that was got wrong
    first, second = (np.nan_to_num(one, nan=1.0) for one in (ours, theirs))
    p = (share_p_value if is_share else mean_p_value)(first, second, settings, clusters)
    return {
        "student": _estimate(ours, scores, clusters),
        "teacher": _estimate(theirs, scores, clusters),
        "difference": {"value": gap.value, "low": gap.low, "high": gap.high, "p_value": p},
    }


def _estimate(values: NDArray[np.float64], scores: PairedScores, clusters: Clusters | None) -> dict[str, Any]:
    settings = scores.scoring.settings
    if METRICS[scores.metric].kind == "share":
        return asdict(share_interval(values, settings, clusters))
    return asdict(bootstrap_interval(mean_statistic(values.tolist()), len(values), settings, clusters))


def _clusters(rows: NDArray[np.intp], clusters: Clusters | None) -> Clusters | None:
    """Return the clusters of some rows, numbered anew; None if each row is alone."""
    if clusters is None:
        return None
    own = np.unique(clusters[rows], return_inverse=True)[1].astype(np.intp)
    return own if np.unique(own).size < len(rows) else None
