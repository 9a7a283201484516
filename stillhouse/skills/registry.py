"""Which module teaches which skill; a further skill is one file that fits `SkillModule` and one line here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from stillhouse.data.row import Messages
from stillhouse.errors import RecipeError
from stillhouse.skills import classification, conversation, math, nli, qa, summarization
from stillhouse.skills.prompts import TeacherPrompt


class SkillModule(Protocol):
    """What every skill file offers; `stillhouse/skills/classification.py` is the model."""

    closed_answers: bool  # True: answers come from a fixed set
    votes: bool  # True: samples of a prompt can agree, so the majority's answer is the prompt's
    measured: str  # how the metrics are measured, for the report

    @property
    def row_scores(self) -> Mapping[str, Callable[[str | None, Sequence[str], Any], float]]:
        """By metric: the number in [0, 1] that one answer (None: unreadable) has against the accepted ones."""

    def cases(self, row: dict[str, Any], skill: Any) -> list[dict[str, Any]]:
        """Return what of a row is asked, learnt and measured, as rows of their own; mostly the row itself."""

    def as_text(self, messages: Messages) -> str:
        """Return a prompt as plain text, for labelled examples and for layout `text`."""

    def teacher_messages(
        self,
        row_messages: Messages,
        skill: Any,
        prompt: TeacherPrompt,
        labels: Sequence[str],
        examples: Sequence[tuple[str, str]],
    ) -> Messages:
        """Return the turns the teacher is shown."""

    def teacher_text(
        self,
        row_messages: Messages,
        skill: Any,
        prompt: TeacherPrompt,
        labels: Sequence[str],
        examples: Sequence[tuple[str, str]],
    ) -> str:
        """Return what the teacher is shown as plain text, ending where its answer follows."""

    def zero_shot_messages(self, row_messages: Messages, skill: Any, labels: Sequence[str]) -> Messages:
        """Return the turns an untrained model is asked with."""

    def student_messages(self, row_messages: Messages, skill: Any, labels: Sequence[str]) -> Messages:
        """Return the turns the student sees."""

    def constraint(self, skill: Any, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return the structured-output spec answers are decoded under, after the text `lead`; {} for none."""

    def parse(self, text: str, labels: Sequence[str], skill: Any = None) -> str | None:
        """Return the answer a completion's text holds, or None where it can't be read."""

    def verify(self, answer: str, references: Sequence[str]) -> bool | None:
        """Return whether the answer agrees with an accepted one; None where no answer can contradict one."""

    def same(self, one: str, other: str) -> bool:
        """Return whether two answers say the same."""

    def has_wording(self, answer: str, skill: Any) -> bool:
        """Return whether the answer is prose, which can refuse, go round in circles or be in the wrong language."""

    def lesson(self, text: str, answer: str, skill: Any) -> str:
        """Return what a student is trained to say, out of a completion's or reference's `text` and its `answer`."""


SKILLS: dict[str, SkillModule] = {
    "classification": classification,
    "nli": nli,
    "qa": qa,
    "math": math,
    "summarization": summarization,
    "conversation": conversation,
}


def skill_for(kind: str) -> SkillModule:
    """Return the module of the skill named `kind`.

    Raises:
        RecipeError: for a kind no module stands for.
    """
    if kind not in SKILLS:
        raise RecipeError(f"skill.kind is {kind!r}; known skills: {', '.join(sorted(SKILLS))}")
    return SKILLS[kind]
