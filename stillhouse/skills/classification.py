"""Classification: one label out of a fixed set for each message.

Separate because everything a skill decides stands in one file: what each model is shown, the form its answer is held
to, how that answer is read, and what makes it right. Example: "Where is my card?" -> "card_arrival".
"""

import string
from collections.abc import Callable, Sequence
from typing import Any

from stillhouse.skills.prompts import as_text as as_text
from stillhouse.skills.prompts import cases as cases
from stillhouse.skills.prompts import student_messages as student_messages
from stillhouse.skills.prompts import teacher_messages as teacher_messages
from stillhouse.skills.prompts import teacher_text as teacher_text
from stillhouse.skills.prompts import zero_shot_messages as zero_shot_messages
from stillhouse.skills.skill import Labelled

closed_answers = True
votes = Labelled.votes
measured = "Accuracy has a Wilson interval, macro-F1 a bootstrap interval; an unreadable answer is wrong."

_AROUND = string.punctuation + string.whitespace + "“”‘’«»…。"

# how a text may differ from its label, most faithful first; a coarser form is tried only where the finer finds nothing
_FORMS: tuple[Callable[[str], str], ...] = (
    str.strip,
    lambda text: text.strip().casefold(),
    lambda text: text.strip(_AROUND).casefold(),
)


def constraint(skill: Labelled, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
    """Return the structured-output spec an answer is decoded under: `lead` and exactly one of the labels."""
    return {"choice": [lead + label for label in labels]}


def parse(text: str, labels: Sequence[str], skill: Any = None) -> str | None:
    """Return the label `text` consists of, whatever its case, spaces and punctuation around it; else None.

    A label inside a sentence is no answer, and a text that fits several labels equally well is none either.
    """
    for form in _FORMS:
        wanted = form(text)
        found = [label for label in labels if form(label) == wanted and wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def verify(answer: str, references: Sequence[str]) -> bool:
    """Return True where `answer` is one of the accepted `references`; False where there are none."""
    return parse(answer, tuple(dict.fromkeys(references))) is not None


def same(one: str, other: str) -> bool:
    """Return True for the same label."""
    return one == other


def has_wording(answer: str, skill: Labelled) -> bool:
    """Return False: a label is no prose, whatever it reads like."""
    return False


def lesson(text: str, answer: str, skill: Labelled) -> str:
    """Return what a student is trained to say: the label."""
    return answer


def accuracy(answer: str | None, references: Sequence[str], skill: Labelled) -> float:
    """Return 1 where the label is one of the accepted ones, else 0."""
    return float(answer in references)


row_scores = {"accuracy": accuracy}
