"""Which module teaches which skill; a further skill is one file that fits `SkillModule` and one line here."""

from collections.abc import Sequence
from typing import Any, Protocol

from tasks.recipe.errors import RecipeError
from tasks.recipe.teacher import TeacherPrompt
from tasks.skills import classification, nli

Turns = list[dict[str, Any]]


class SkillModule(Protocol):
    """What every skill file offers; `tasks/skills/classification.py` is the model."""

    closed_answers: bool  # True: answers come from a fixed set, so samples of a prompt vote and texts are no prose

    def teacher_messages(
        self,
        row_messages: Turns,
        skill: Any,
        prompt: TeacherPrompt,
        labels: Sequence[str],
        examples: Sequence[tuple[str, str]],
    ) -> Turns:
        """Return the turns the teacher is shown."""

    def teacher_text(
        self,
        row_messages: Turns,
        skill: Any,
        prompt: TeacherPrompt,
        labels: Sequence[str],
        examples: Sequence[tuple[str, str]],
    ) -> str:
        """Return what the teacher is shown as plain text, ending where its answer follows."""

    def zero_shot_messages(self, row_messages: Turns, skill: Any, labels: Sequence[str]) -> Turns:
        """Return the turns an untrained model is asked with."""

    def student_messages(self, row_messages: Turns, skill: Any, labels: Sequence[str]) -> Turns:
        """Return the turns the student sees."""

    def constraint(self, skill: Any, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return the structured-output spec answers are decoded under, after the text `lead`; {} for none."""

    def parse(self, text: str, labels: Sequence[str]) -> str | None:
        """Return the answer a completion's text holds, or None where it can't be read."""

    def verify(self, answer: str, references: Sequence[str]) -> bool:
        """Return True where the answer agrees with an accepted one."""

    def resolve_labels(self, skill: Any, labelled_rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
        """Return the label set; empty for a skill without labels."""


SKILLS: dict[str, SkillModule] = {"classification": classification, "nli": nli}


def skill_for(kind: str) -> SkillModule:
    """Return the module of the skill named `kind`.

    Raises:
        RecipeError: for a kind no module stands for.
    """
    if kind not in SKILLS:
        raise RecipeError(f"skill.kind is {kind!r}; known skills: {', '.join(sorted(SKILLS))}")
    return SKILLS[kind]
