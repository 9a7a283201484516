"""The teachers' stored answers as the filters judge them: a calibrated one says the calibrated label.

Separate because routing judges the answers of one teacher before the next is asked, and must see what the filters see.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from stillhouse.completions.completion import Completion
from stillhouse.completions.table import completion_of
from stillhouse.data.row import Row
from stillhouse.teachers.calibration import batch_prior, calibrate

Lines = Mapping[str, Sequence[dict[str, Any]]]
Calibration = Literal["none", "batch"]
Priors = list[list[float] | None]  # teacher by teacher; None for one that is not calibrated


def label_priors(calibrations: Sequence[Calibration], train: Iterable[Row], lines: Lines) -> Priors:
    """Return each teacher's mean label scores over the training prompts; validation prompts must not move them.

    Raises:
        QualityError: a teacher to be calibrated has no scores.
    """
    if "batch" not in calibrations:
        return [None] * len(calibrations)
    found = [line for row in train for line in lines.get(row["id"], ()) if line["label_scores"]]
    return [
        batch_prior([line["label_scores"] for line in found if teacher_index_of(line) == place])
        if kind == "batch"
        else None
        for place, kind in enumerate(calibrations)
    ]


def calibrated_completions(lines: Lines, priors: Priors, labels: Sequence[str]) -> dict[str, list[Completion]]:
    """Return the lines as completions by row id, calibrated ones with the calibrated label and its confidence."""
    return {
        row_id: [_answered(line, priors[teacher_index_of(line)], labels) for line in found]
        for row_id, found in lines.items()
    }


def teacher_index_of(line: dict[str, Any]) -> int:
    """Return the place, from 0, of the teacher that gave a line among the recipe's."""
    return (line.get("teacher_number") or 1) - 1


def _answered(line: dict[str, Any], prior: list[float] | None, labels: Sequence[str]) -> Completion:
    completion = completion_of(line)
    if prior is None or not line["label_scores"]:
        return completion
    best, logprob = calibrate(line["label_scores"], prior)
    # one decision, one token's worth of doubt: mean_logprob is then the calibrated label's log-probability
    return completion.model_copy(update={"text": labels[best], "cumulative_logprob": logprob, "completion_tokens": 1})
