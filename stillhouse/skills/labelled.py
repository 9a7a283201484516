"""What skills share whose answer is one label out of a fixed set."""

import string
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pydantic import Field, field_validator

from stillhouse.metrics.labels import ACCURACY, MACRO_F1
from stillhouse.metrics.metric import Metric
from stillhouse.skills.skill import Skill

_AROUND = string.punctuation + string.whitespace + "“”‘’«»…。"

# how a text may differ from its label, most faithful first; a coarser form is tried only if the finer finds nothing
_FORMS: tuple[Callable[[str], str], ...] = (
    str.strip,
    lambda text: text.strip().casefold(),
    lambda text: text.strip(_AROUND).casefold(),
)


def read_label(text: str, labels: Sequence[str]) -> str | None:
    """Return the label that `text` consists of, whatever its case, spaces and punctuation around it; else None.

    A label inside a sentence is no answer. A text that fits several labels equally well is none either.
    """
    for form in _FORMS:
        wanted = form(text)
        matching = [label for label in labels if form(label) == wanted and wanted]
        if matching:
            return matching[0] if len(matching) == 1 else None
    return None


class Labelled(Skill):
    """A skill whose answer is one label."""

    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, MACRO_F1)
    how_measured: ClassVar[str] = (
        "Accuracy has a Wilson interval, macro-F1 a bootstrap interval; an unreadable answer is wrong."
    )
    has_labels: ClassVar[bool] = True

    labels: tuple[str, ...] = Field((), description="the label set; empty takes it from the labelled rows")
    student_instruction: str = Field("", description="system prompt of the student; empty shows it the bare message")

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(labels) == 1:
            raise ValueError("one class only: a classification needs at least two labels")
        if len(set(labels)) != len(labels) or any(not label.strip() for label in labels):
            raise ValueError("labels must be distinct and not blank")
        return labels

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The labels that the recipe names; empty takes them from the labelled rows."""
        return self.labels

    def parse(self, text: str, labels: Sequence[str]) -> str | None:
        """Return the label that `text` consists of; None if it is none, or several fit."""
        return read_label(text, labels)

    def verify(self, answer: str, references: Sequence[str]) -> bool:
        """Return whether `answer` is one of the accepted labels, whatever its case; False without references."""
        return read_label(answer, tuple(dict.fromkeys(references))) is not None

    def is_correct(self, answer: str, references: Sequence[str]) -> bool:
        """Return whether `answer` is exactly one of the accepted labels."""
        return answer in references

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both are the same label."""
        return one == other

    def is_prose(self, answer: str) -> bool:
        """Return False: a label is no prose, whatever it reads like."""
        return False

    def constraint(self, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return the structured-output spec of a label: `lead` and exactly one of `labels`."""
        return {"choice": [lead + label for label in labels]}
