"""The skills' metrics as metrics of the `evaluate` library, so that `evaluate.combine` works over them.

`evaluate.load` fetches its scripts from a hub; a class derived from `evaluate.Metric` needs no network.
"""

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import datasets
import numpy as np

# the library loads transformers, which would say in each run that there is no PyTorch in this environment
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
import evaluate

from stillhouse.evaluation.scoring import readable_answers
from stillhouse.metrics.labels import UNPARSABLE
from stillhouse.metrics.metric import Answers, Metric, References
from stillhouse.skills.registry import METRICS
from stillhouse.skills.skill import Skill


class AnswerMetric(evaluate.Metric):  # type: ignore[misc] # the library has no types
    """A metric over one answer a row and the row's accepted references."""

    def __init__(self, metric: Metric, skill: Skill, **options: Any) -> None:
        """Take a metric of that skill."""
        self._metric = metric
        self._skill = skill
        # in memory: the default writes the rows to a cache under the user's home
        super().__init__(keep_in_memory=True, **options)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            module_name=self._metric.name,
            description=f"{self._metric.label}, in [0, 1]",
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Sequence(datasets.Value("string"))}
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        answers = [None if answer == UNPARSABLE else answer for answer in predictions]
        value = self._metric.statistic(answers, references, self._skill)
        return {self._metric.name: value(np.arange(len(answers)))}


def score(
    metric_names: Sequence[str], answers: Answers, references: References, labels: Sequence[str], skill: Skill
) -> dict[str, float]:
    """Return each named metric, in [0, 1], of the `answers` to rows with accepted `references`.

    None is wrong, and for skills with labels so is an answer outside `labels`.

    Raises:
        ValueError: for no rows, or a row without a reference.
    """
    if not metric_names:
        return {}  # the library combines one or more
    # the library takes no None
    texts = [
        UNPARSABLE if answer is None else answer for answer in readable_answers(answers, references, labels, skill)
    ]
    with tempfile.TemporaryDirectory() as folder:  # the library makes folders even for metrics kept in memory
        combined = evaluate.combine([AnswerMetric(METRICS[name], skill, cache_dir=folder) for name in metric_names])
        values = combined.compute(predictions=texts, references=[list(accepted) for accepted in references])
    return {name: values[name] for name in metric_names}
