"""What an answer is worth: the metrics of all skills as metrics of the `evaluate` library that need no network.

Separate because `evaluate.load` fetches its scripts from a hub; classes derived from `evaluate.Metric` do not, and
`evaluate.combine` works over them all the same.
"""

import os
import statistics
import tempfile
from collections.abc import Sequence
from typing import Any

import datasets

# the library loads transformers, which would say in each run that there is no PyTorch in this environment
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
import evaluate
from sklearn.metrics import accuracy_score, f1_score

from stillhouse.evaluation.answers import UNPARSABLE, check_rows, gold_labels, known_answers
from stillhouse.evaluation.corpus_metrics import corpus_score
from stillhouse.skills.registry import skill_for
from stillhouse.skills.skill import CLASSIFICATION, Skill


class _AnswerMetric(evaluate.Metric):  # type: ignore[misc] # the library has no types
    """A metric over one answer a row and the row's accepted references."""

    metric_name: str

    def __init__(self, **options: Any) -> None:
        # in memory: the default writes the rows to a cache under the user's home
        super().__init__(keep_in_memory=True, **options)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            module_name=self.metric_name,
            description=self.__doc__ or "",
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Sequence(datasets.Value("string"))}
            ),
        )


class Accuracy(_AnswerMetric):
    """Share of rows, in [0, 1], whose answer is one of the accepted references."""

    metric_name = "accuracy"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(gold_labels(predictions, references), predictions))}


class MacroF1(_AnswerMetric):
    """Mean of F1 = 2 TP / (2 TP + FP + FN), in [0, 1], over the labels that occur as gold, all weighing alike."""

    metric_name = "macro_f1"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        gold = gold_labels(predictions, references)
        value = f1_score(gold, predictions, labels=sorted(set(gold)), average="macro", zero_division=0.0)
        return {"macro_f1": float(value)}


class RowMean(_AnswerMetric):
    """Mean over rows, in [0, 1], of the number that a skill gives an answer."""

    def __init__(self, name: str, skill: Skill, **options: Any) -> None:
        """Take the metric `name` of the skill."""
        self.metric_name = name
        self._skill = skill
        self._score = skill_for(skill.kind).row_scores[name]
        super().__init__(**options)

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        readable = [None if answer == UNPARSABLE else answer for answer in predictions]
        scores = [self._score(answer, gold, self._skill) for answer, gold in zip(readable, references, strict=True)]
        return {self.metric_name: statistics.fmean(scores)}


class Bleu(_AnswerMetric):
    """Corpus BLEU of sacrebleu as a fraction, in [0, 1]; an unreadable answer is an empty one."""

    metric_name = "bleu"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return {"bleu": corpus_score("bleu", _without_mark(predictions), references)}


class Chrf(_AnswerMetric):
    """Corpus chrF2 of sacrebleu as a fraction, in [0, 1]; an unreadable answer is an empty one."""

    metric_name = "chrf"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return {"chrf": corpus_score("chrf", _without_mark(predictions), references)}


METRICS = {metric.metric_name: metric for metric in (Accuracy, MacroF1, Bleu, Chrf)}


def score(
    metric_names: Sequence[str],
    predictions: Sequence[str | None],
    references: Sequence[Sequence[str]],
    labels: Sequence[str],
    skill: Skill = CLASSIFICATION,
) -> dict[str, float]:
    """Return each named metric, in [0, 1], of the answers `predictions` to rows with accepted `references`.

    None is wrong, and for skills with labels so is an answer outside `labels`. Macro-F1 averages over the labels that
    occur as gold: a label without a row has no F1.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    check_rows(predictions, references)
    if skill.has_labels:
        readable = known_answers(predictions, references, labels)
    else:
        readable = [UNPARSABLE if answer is None else answer for answer in predictions]
    with tempfile.TemporaryDirectory() as folder:  # the library makes folders even for metrics kept in memory
        combined = evaluate.combine([_metric(name, skill, folder) for name in metric_names])
        values = combined.compute(predictions=readable, references=[list(accepted) for accepted in references])
    return {name: values[name] for name in metric_names}


def _without_mark(predictions: Sequence[str]) -> list[str]:
    return ["" if answer == UNPARSABLE else answer for answer in predictions]


def _metric(name: str, skill: Skill, folder: str) -> evaluate.Metric:
    if skill.has_labels or name not in skill_for(skill.kind).row_scores:
        return METRICS[name](cache_dir=folder)
    return RowMean(name, skill, cache_dir=folder)
