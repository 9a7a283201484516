"""What an answer is worth: accuracy and macro-F1 as metrics of the `evaluate` library that need no network.

Separate because `evaluate.load` fetches its scripts from a hub; classes derived from `evaluate.Metric` do not, and
`evaluate.combine` works over them all the same.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
from sklearn.metrics import accuracy_score, f1_score

from tasks.evaluation.answers import gold_labels, known_answers


class _ClassificationMetric(evaluate.Metric):  # type: ignore[misc] # the library has no types
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


class Accuracy(_ClassificationMetric):
    """Share of rows, in [0, 1], whose answer is one of the accepted references."""

    metric_name = "accuracy"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(gold_labels(predictions, references), predictions))}


class MacroF1(_ClassificationMetric):
    """Mean of F1 = 2 TP / (2 TP + FP + FN), in [0, 1], over the labels that occur as gold, all weighing alike."""

    metric_name = "macro_f1"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        gold = gold_labels(predictions, references)
        value = f1_score(gold, predictions, labels=sorted(set(gold)), average="macro", zero_division=0.0)
        return {"macro_f1": float(value)}


METRICS = {metric.metric_name: metric for metric in (Accuracy, MacroF1)}


def score(
    metric_names: Sequence[str],
    predictions: Sequence[str | None],
    references: Sequence[Sequence[str]],
    labels: Sequence[str],
) -> dict[str, float]:
    """Return each named metric, in [0, 1], of the answers `predictions` to rows with accepted `references`.

    None and answers outside `labels` are wrong. Macro-F1 averages over the labels that occur as gold: a label without
    a row has no F1.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    readable = known_answers(predictions, references, labels)
    with tempfile.TemporaryDirectory() as folder:  # the library makes folders even for metrics kept in memory
        combined = evaluate.combine([METRICS[name](cache_dir=folder) for name in metric_names])
        values = combined.compute(predictions=readable, references=[list(accepted) for accepted in references])
    return {name: values[name] for name in metric_names}
