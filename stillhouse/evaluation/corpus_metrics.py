"""BLEU and chrF: metrics of a whole set of answers, that are no mean over rows.

Separate because an interval needs them on thousands of resamples: each row's counts are taken once and added up.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stillhouse.evaluation.significance import Indices, Statistic

Answers = Sequence[str | None]
References = Sequence[Sequence[str]]


def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU()


def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


CORPUS_METRICS: dict[str, Callable[[], Any]] = {"bleu": _bleu, "chrf": _chrf}


def corpus_score(name: str, predictions: Answers, references: References) -> float:
    """Return the corpus score, in [0, 1], of answers against each row's one or more references."""
    found = CORPUS_METRICS[name]().corpus_score(_texts(predictions), _streams(references))
    return float(found.score) / 100


def corpus_statistic(name: str, predictions: Answers, references: References) -> Statistic:
    """Return the corpus score as a function of the rows it is taken on."""
    metric = CORPUS_METRICS[name]()
    # as the library's own significance tests do
    counts = np.array(metric._extract_corpus_statistics(_texts(predictions), _streams(references)))

    def statistic(rows: Indices) -> float:
        return float(metric._aggregate_and_compute(counts[rows]).score) / 100

    return statistic


def _texts(predictions: Answers) -> list[str]:
    return [answer or "" for answer in predictions]


def _streams(references: References) -> list[list[str | None]]:
    """Return the references as the library wants them: a list of first ones, of second ones …; None for a gap."""
    most = max(len(accepted) for accepted in references)
    return [[accepted[at] if at < len(accepted) else None for accepted in references] for at in range(most)]
