"""Metrics of what a free answer shares with its references: ROUGE by row, BLEU and chrF over all rows.

BLEU and chrF are no means over rows. Intervals need them on thousands of resamples, so each row's counts are taken
once and added up.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from stillhouse.metrics.metric import Answers, Metric, References, RowScore, Statistic
from stillhouse.text.scripts import dominant_script
from stillhouse.text.words import words


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
            return words(text)

    return RougeScorer([name], tokenizer=Words())


# sacrebleu's tokenizers by the script that most letters of a row's references have. 13a, its default, parts words by
# spaces and ASCII punctuation; its tokenizers of Japanese and Korean words need a dictionary of their own
_TOKENIZERS = {"Latin": "13a", "Cyrillic": "13a", "Greek": "13a", "Han": "zh", "spaceless": "char", "other": "intl"}


def _bleu(answers: Answers, references: References) -> Statistic:
    """Return sacrebleu's corpus BLEU as a fraction; each row is cut by the tokenizer for its references' script."""
    from sacrebleu.metrics.bleu import BLEU

    tokenizers = np.array([_TOKENIZERS[dominant_script(" ".join(accepted))] for accepted in references])
    metrics = {name: BLEU(tokenize=name) for name in sorted(set(tokenizers))}
    counts: Any = None
    for name, metric in metrics.items():
        rows = np.flatnonzero(tokenizers == name).tolist()
        found = _counts(metric, [answers[row] for row in rows], [references[row] for row in rows])
        counts = np.zeros((len(answers), found.shape[1]), found.dtype) if counts is None else counts
        counts[rows] = found
    return _statistic(metrics[min(metrics)], counts)


def _chrf(answers: Answers, references: References) -> Statistic:
    """Return sacrebleu's corpus chrF as a fraction."""
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    return _statistic(metric, _counts(metric, answers, references))


def _counts(metric: Any, answers: Answers, references: References) -> Any:
    """Return what a sacrebleu metric counts in each row, which adds up; an unreadable answer is an empty one."""
    # as the library's own significance tests do
    return np.array(metric._extract_corpus_statistics([answer or "" for answer in answers], _streams(references)))


def _statistic(metric: Any, counts: Any) -> Statistic:
    return lambda rows: float(metric._aggregate_and_compute(counts[rows]).score) / 100


def _streams(references: References) -> list[list[str | None]]:
    """Return the references as the library wants them: a list of first ones, of second ones …; None for a gap."""
    most = max(len(accepted) for accepted in references)
    return [[accepted[at] if at < len(accepted) else None for accepted in references] for at in range(most)]


ROUGE_1 = Metric("rouge_1", "mean", _rouge("rouge1"), "ROUGE-1")
ROUGE_2 = Metric("rouge_2", "mean", _rouge("rouge2"), "ROUGE-2")
ROUGE_L = Metric("rouge_l", "mean", _rouge("rougeL"), "ROUGE-L")
BLEU = Metric("bleu", "corpus", _bleu, "BLEU")
CHRF = Metric("chrf", "corpus", _chrf, "chrF")
