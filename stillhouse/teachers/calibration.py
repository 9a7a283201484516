"""Batch calibration: a label's score less its mean over the training prompts.

The same prior serves the training labels and the teacher's answers to test rows.
Source: after Zhou et al., "Batch Calibration", arXiv:2309.17249, which divides by the batch's mean probability; the
mean here is of log-probabilities, so that one overconfident prompt weighs no more than another.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stillhouse.completions.completion import Completion
from stillhouse.completions.table import Lines, completion_of
from stillhouse.data.row import Row
from stillhouse.errors import QualityError

Scores = NDArray[np.float64]
Calibration = Literal["none", "batch"]
CALIBRATION = "calibration.json"
Priors = list[list[float] | None]  # one a teacher, each of length L; None for a teacher that is not calibrated


def batch_prior(scores_NL: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean log-probability of each of L labels over N prompts, length L (nats).

    Raises:
        QualityError: there are no scores.
    """
    if not len(scores_NL):
        raise QualityError("calibration: batch found no scored completion; the engine gave no label log-probabilities")
    return [float(value) for value in np.mean(np.asarray(scores_NL, dtype=np.float64), axis=0)]


def probabilities(scores_L: Sequence[float], prior_L: Sequence[float] | None) -> Scores:
    """Return the probability of each of L labels by their log-probabilities, less the prior, if there is one."""
    shifted = _less_prior(scores_L, prior_L)
    found: Scores = np.exp(shifted - np.logaddexp.reduce(shifted))
    return found


def calibrate(scores_L: Sequence[float], prior_L: Sequence[float]) -> tuple[int, float]:
    """Return the index of the label furthest above its prior, and its log-probability among the calibrated (nats)."""
    shifted = _less_prior(scores_L, prior_L)
    best = int(np.argmax(shifted))  # before the total is subtracted: rounding may make near scores equal
    return best, float(shifted[best] - np.logaddexp.reduce(shifted))


def label_priors(calibrations: Sequence[Calibration], train: Iterable[Row], lines: Lines) -> Priors:
    """Return each teacher's prior, from the training prompts alone: validation prompts must not move it.

    Raises:
        QualityError: a teacher to be calibrated has no scores.
    """
    if "batch" not in calibrations:
        return [None] * len(calibrations)
    scored = [line for row in train for line in lines.get(row["id"], ()) if line["label_scores"]]
    return [
        batch_prior([line["label_scores"] for line in scored if teacher_index_of(line) == index])
        if kind == "batch"
        else None
        for index, kind in enumerate(calibrations)
    ]


def calibrated_completions(lines: Lines, priors: Priors, labels: Sequence[str]) -> dict[str, list[Completion]]:
    """Return the completions by row id; a calibrated one gives the calibrated label with its confidence."""
    return {
        row_id: [_calibrated(line, priors[teacher_index_of(line)], labels) for line in found]
        for row_id, found in lines.items()
    }


def teacher_index_of(line: dict[str, Any]) -> int:
    """Return the index, among the recipe's teachers, of the one that gave a line."""
    return (line.get("teacher_number") or 1) - 1


def write_priors(folder: Path, labels: Sequence[str], priors: Priors) -> None:
    """Write calibration.json into `folder`."""
    first, *others = priors
    content = {"labels": list(labels), "prior": first} | ({"other_priors": others} if others else {})
    (folder / CALIBRATION).write_text(json.dumps(content))


def read_prior(folder: Path, teacher_index: int) -> list[float] | None:
    """Return the prior of one teacher that `write_priors` wrote; None if it is not calibrated."""
    found = json.loads((folder / CALIBRATION).read_text())
    priors: Priors = [found["prior"], *found.get("other_priors", ())]
    return priors[teacher_index]


def _less_prior(scores_L: Sequence[float], prior_L: Sequence[float] | None) -> Scores:
    shifted: Scores = np.asarray(scores_L, dtype=np.float64) - (0.0 if prior_L is None else np.asarray(prior_L))
    return shifted


def _calibrated(line: dict[str, Any], prior: list[float] | None, labels: Sequence[str]) -> Completion:
    completion = completion_of(line)
    if prior is None or not line["label_scores"]:
        return completion
    best, logprob = calibrate(line["label_scores"], prior)
    # how sure the teacher is of the calibrated label, whatever tokens it has
    decided = {"text": labels[best], "is_closed": True, "answer_logprob": logprob, "answer_tokens": 1}
    return completion.model_copy(update=decided)
