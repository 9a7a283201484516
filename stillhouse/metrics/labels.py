"""Metrics of answers that are right or wrong: accuracy, and macro-F1 over labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stillhouse.metrics.metric import Answers, Indices, Metric, References, Statistic

# stands for an unreadable answer: a predicted class of its own, which is never right
UNPARSABLE = "\x00unparsable"


def _accuracy(answer: str | None, references: Sequence[str], skill: Any) -> float:
    return float(answer is not None and skill.is_correct(answer, references))


def reference_labels(answers: Answers, references: References) -> list[str]:
    """Return the one label that each row counts for: the answer if it is accepted, else the first reference."""
    return [
        answer if answer is not None and answer in accepted else accepted[0]
        for answer, accepted in zip(answers, references, strict=True)
    ]


def macro_f1(answers: Answers, references: References) -> Statistic:
    """Return macro-F1 as a function of the rows: the mean of F1 = 2 TP / (2 TP + FP + FN) over their labels.

    Labels are the references of the rows that it is taken on; all weigh alike.
    """
    expected = reference_labels(answers, references)
    predicted = [UNPARSABLE if answer is None else answer for answer in answers]
    codes = {name: code for code, name in enumerate(dict.fromkeys([*sorted(set(expected)), *predicted]))}
    expected_codes = np.array([codes[name] for name in expected])
    predicted_codes = np.array([codes[name] for name in predicted])

    def statistic(rows: Indices) -> float:
        truth, answered = expected_codes[rows], predicted_codes[rows]
        num_expected = np.bincount(truth, minlength=len(codes))
        num_answered = np.bincount(answered, minlength=len(codes))
        num_right = np.bincount(truth[truth == answered], minlength=len(codes))
        occurs = num_expected > 0
        # 2 TP + FP + FN = rows with the label as reference + rows answered with it
        return float(np.mean(2 * num_right[occurs] / (num_expected + num_answered)[occurs]))

    return statistic


ACCURACY = Metric("accuracy", "share", _accuracy, "accuracy")
EXACT_MATCH = Metric("exact_match", "share", _accuracy, "exact match")
MACRO_F1 = Metric("macro_f1", "corpus", macro_f1, "macro F1")
