"""What an encoder student learns: texts, the label of each, and the teacher's probabilities where they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillhouse.data.label_names import in_words
from stillhouse.data.row import prompt_text
from stillhouse.errors import DataError
from stillhouse.students.tokens import read_rows


class Examples(NamedTuple):
    """N texts with labels, as places in the list of L labels."""

    texts: list[str]
    targets: NDArray[np.int64]  # [N]
    teacher: NDArray[np.float64]  # [N, L], the probabilities of each label; 0 throughout where they are not known

    @property
    def num_taught(self) -> int:
        """How many have the teacher's probabilities."""
        return int((self.teacher.sum(axis=1) > 0).sum())

    def __add__(self, other: object) -> Examples:
        """Return these and then the others."""
        assert isinstance(other, Examples)
        return Examples(
            [*self.texts, *other.texts],
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.teacher, other.teacher]),
        )


def read_examples(path: Path, labels: Sequence[str]) -> Examples:
    """Return the training examples of a JSONL file, as `filter` writes it.

    Raises:
        DataError: there are none, or an answer is none of the labels.
    """
    rows = read_rows(path)
    places = {label: place for place, label in enumerate(labels)}
    answers = [row["completion"][-1]["content"] for row in rows]
    if unknown := sorted({answer for answer in answers if answer not in places}):
        raise DataError(
            f"{path}: an encoder chooses among {len(labels)} labels, and {len(unknown)} answers are none of them, "
            f"first {unknown[0][:80]!r}. Set filters.unparsable to true, which drops such rows."
        )
    return Examples(
        [prompt_text(row["prompt"]) for row in rows],
        np.asarray([places[answer] for answer in answers], dtype=np.int64),
        np.asarray([_probabilities(row, labels) for row in rows], dtype=np.float64).reshape(len(rows), len(labels)),
    )


def label_names(labels: Sequence[str]) -> Examples:
    """Return the name of each label, in words, as an example of it."""
    names = [in_words(label) for label in labels]
    return Examples(names, np.arange(len(labels)), np.zeros((len(labels), len(labels))))


def _probabilities(row: Mapping[str, Any], labels: Sequence[str]) -> list[float]:
    found = row.get("label_probabilities") or {}
    return [found.get(label, 0.0) for label in labels]
