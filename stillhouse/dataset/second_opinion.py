"""Multiplies a teacher's probabilities of the labels with those of a classifier that learnt from the labelled rows.

A teacher and a classifier on a few labelled rows err on different prompts, so that their product is right more often
than either is.

Source: a product of experts, G. Hinton, Training Products of Experts by Minimizing Contrastive Divergence, Neural
Computation 14 (2002), with a weight for the second expert.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillhouse.completions.table import Lines
from stillhouse.errors import QualityError
from stillhouse.evaluation.scored import Scored
from stillhouse.teachers.calibration import Priors, calibrate

Opinions = Mapping[str, Sequence[float]]  # log-probability of each label by row id (nats)
NO_OPINIONS: Opinions = {}

OPINIONS, TEST_OPINIONS = "opinions.parquet", "test_opinions.parquet"
_SCHEMA = pa.schema([("row_id", pa.string()), ("label_logprobs", pa.list_(pa.float64()))])


def write_opinions(path: Path, opinions: Opinions) -> None:
    """Write a table of opinions."""
    lines = [{"row_id": row_id, "label_logprobs": list(logprobs)} for row_id, logprobs in opinions.items()]
    pq.write_table(pa.Table.from_pylist(lines, schema=_SCHEMA), path)


def read_opinions(path: Path) -> dict[str, list[float]]:
    """Return what `write_opinions` wrote."""
    table = pq.read_table(path)
    return dict(zip(table["row_id"].to_pylist(), table["label_logprobs"].to_pylist(), strict=True))


def combined(lines: Lines, priors: Priors, opinions: Opinions, weight: float, num_labels: int) -> tuple[Lines, Priors]:
    """Return the completions, with `weight` times their row's opinion added to their labels' scores, and the priors.

    A teacher that is not calibrated gets a prior that says nothing: with one, an answer is the label with the best
    score, and no more what the teacher wrote. Completions without scores are left as they are, and so are those whose
    row has no opinion; without any opinion all is.

    Raises:
        QualityError: no completion has scores, so that the opinions would change nothing.
    """
    if not opinions:
        return lines, priors
    if not any(line["label_scores"] for found in lines.values() for line in found):
        raise QualityError(
            "second_opinion: no answer has the teacher's probabilities of the labels to multiply with. A teacher that "
            "is served here gives them if no two labels begin with the same token of its tokenizer: rename one of "
            "those that do, or leave second_opinion out."
        )
    shifted = {
        row_id: [_shifted(line, weight * np.asarray(opinions[row_id])) for line in found]
        if row_id in opinions
        else found
        for row_id, found in lines.items()
    }
    return shifted, [[0.0] * num_labels if prior is None else prior for prior in priors]


def combined_answers(
    answers: Mapping[str, Scored],
    prior: Sequence[float] | None,
    opinions: Opinions,
    weight: float,
    labels: Sequence[str],
) -> dict[str, str | None]:
    """Return the teacher's answers by row id, each with its row's opinion, as training labels are made.

    An answer whose label's probabilities are not known stays the teacher's own.
    """
    shift = [0.0] * len(labels) if prior is None else prior

    def decided(row_id: str, scored: Scored) -> str | None:
        if scored.label_logprobs is None:
            return scored.answer
        both = np.asarray(scored.label_logprobs) + weight * np.asarray(opinions[row_id])
        return labels[calibrate(both.tolist(), shift)[0]]

    return {row_id: decided(row_id, scored) for row_id, scored in answers.items()}


def _shifted(line: dict[str, Any], by: NDArray[np.float64]) -> dict[str, Any]:
    scores = line["label_scores"]
    return line | {"label_scores": (np.asarray(scores) + by).tolist()} if scores else line
