"""Metrics of what a free answer shares with its references: ROUGE by row, BLEU and chrF over all rows.

BLEU and chrF are no means over rows. Intervals need them on thousands of resamples, so each row's counts are taken
once and added up.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stillhouse.data.row import normalise
from stillhouse.metrics.metric import Answers, CorpusScore, Indices, Metric, References, RowScore, Statistic


def _rouge(name: str) -> RowScore:
    """Return the score by that ROUGE: F1 in [0, 1] with the nearest of the references."""

    def score(answer: str | None, references: Sequence[str], skill: Any) -> float:
        if answer is None:
            return 0.0
        return float(_rouge_scorer(name).score_multi(list(references), answer)[name].fmeasure)

    return score


@functools.cache
def _rouge_scorer(name: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    class Words:
        """Words of any script; the library's own tokenizer drops all but a-z and 0-9."""

        def tokenize(self, text: str) -> list[str]:
            return normalise(text).split()

    return RougeScorer([name], tokenizer=Words())


def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU()


def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def _sacrebleu(make: Callable[[], Any]) -> CorpusScore:
    """Return the corpus score of that sacrebleu metric as a fraction; an unreadable answer is an empty one."""

    def score(answers: Answers, references: References) -> Statistic:
        metric = make()
        # as the library's own significance tests do
        counts = np.array(metric._extract_corpus_statistics([answer or "" for answer in answers], _streams(references)))

        def statistic(rows: Indices) -> float:
            return float(metric._aggregate_and_compute(counts[rows]).score) / 100

        return statistic

    return score


def _streams(references: References) -> list[list[str | None]]:
    """Return the references as the library wants them: a list of first ones, of second ones …; None for a gap."""
    most = max(len(accepted) for accepted in references)
    return [[accepted[at] if at < len(accepted) else None for accepted in references] for at in range(most)]


ROUGE_1 = Metric("rouge_1", "mean", _rouge("rouge1"), "ROUGE-1")
ROUGE_2 = Metric("rouge_2", "mean", _rouge("rouge2"), "ROUGE-2")
ROUGE_L = Metric("rouge_l", "mean", _rouge("rougeL"), "ROUGE-L")
BLEU = Metric("bleu", "corpus", _sacrebleu(_bleu), "BLEU")
CHRF = Metric("chrf", "corpus", _sacrebleu(_chrf), "chrF")
