"""What skills share whose answer is one of a fixed set of labels."""

import functools
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pydantic import Field, field_validator

from stillhouse.metrics.labels import ACCURACY, MACRO_F1
from stillhouse.metrics.metric import Metric
from stillhouse.skills.leads import is_lead, without_emphasis, without_lead
from stillhouse.skills.skill import Skill
from stillhouse.skills.wrapped import LABEL_KEYS, unwrapped, without_bullet, without_number

# marks that may stand around a label and are no part of it. Signs are: `<5`, `C++`, `A+`, `-1`, `#1`, `5%`
_BEFORE = "\"'“”‘’«»„‚「」『』`¿¡"
_AFTER = _BEFORE + ".,;:!?…。।۔"
_PAIRS = ("()", "[]", "{}", "<>", "【】", "《》", "〈〉")


@functools.lru_cache(maxsize=65_536)  # labels are compared with each answer
def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


@functools.lru_cache(maxsize=65_536)
def _bare(text: str) -> str:
    """Return `text` folded, without Markdown, quotes, brackets around it and punctuation after it."""
    text = " ".join(unicodedata.normalize("NFKC", text).casefold().replace("−", "-").split())
    text = without_emphasis(without_bullet(text))
    while True:
        before = text
        text = text.strip().lstrip(_BEFORE).rstrip(_AFTER).strip()
        if text.endswith(")") and "(" not in text:  # as in "b)"
            text = text[:-1]
        if any(text.startswith(pair[0]) and text.endswith(pair[1]) and len(text) > 2 for pair in _PAIRS):
            text = text[1:-1]
        if text == before:
            return text


# how a text may differ from its label. A coarser form is tried only if the finer ones find nothing
_FORMS: tuple[Callable[[str], str], ...] = (str.strip, _folded, _bare)


def read_label(text: str, labels: Sequence[str]) -> str | None:
    """Return the label that `text` consists of, without case, surrounding spaces, quotes, punctuation and "Label:".

    It can stand in a code fence, in an object such as {"label": "refund"}, or below a heading.

    Return None for a label inside a sentence, and for a text that fits several labels equally well.
    """
    found = _matching(text, labels)
    if not found:
        said = _without_heading(unwrapped(text, LABEL_KEYS))
        number = without_number(said)
        # "1. 5" can mean 1 and 5
        said = said if number != said and _matching("1", labels) else number
        found = _matching(without_lead(said, of_label=True), labels) or _matching(said, labels)
    return found[0] if len(found) == 1 else None


def _without_heading(text: str) -> str:
    """Return `text` without a line before all others that only announces the label."""
    first, _, rest = text.strip().partition("\n")
    return rest.strip() if rest and is_lead(without_emphasis(without_bullet(first)).strip()) else text


def _matching(text: str, labels: Sequence[str]) -> list[str]:
    """Return the labels that `text` is, in the finest form in which it is any."""
    for form in _FORMS:
        wanted = form(text)
        if matching := [label for label in labels if wanted and form(label) == wanted]:
            return matching
    return []


class Labelled(Skill):
    """A skill whose answer is one label."""

    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, MACRO_F1)
    how_measured: ClassVar[str] = (
        "Accuracy has a Wilson interval, macro-F1 a bootstrap interval; an unreadable answer is wrong."
    )
    has_labels: ClassVar[bool] = True

    labels: tuple[str, ...] = Field((), description="the label set; empty takes it from the labelled rows")

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(labels) == 1:
            raise ValueError("one class only: name at least two labels")
        if len(set(labels)) != len(labels) or any(not label.strip() for label in labels):
            raise ValueError("labels must be distinct and not blank: remove repeated and blank ones")
        return labels

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The labels that the recipe names; if empty, the labelled rows decide."""
        return self.labels

    def parse(self, text: str, labels: Sequence[str]) -> str | None:
        """Return the label that `text` consists of; None if no label or several labels fit."""
        return read_label(text, labels)

    def verify(self, answer: str, references: Sequence[str]) -> bool:
        """Return whether `answer` is one of `references`, without case; False if there are none."""
        return read_label(answer, tuple(dict.fromkeys(references))) is not None

    def is_correct(self, answer: str, references: Sequence[str]) -> bool:
        """Return whether `answer` is exactly one of `references`."""
        return answer in references

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both are the same label."""
        return one == other

    def is_prose(self, answer: str) -> bool:
        """Return False: a label is not prose, even if it reads like a refusal."""
        return False

    def constraint(self, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return the structured-output spec for exactly one of `labels` after `lead`."""
        return {"choice": [lead + label for label in labels]}
