"""What skills share whose answers are judged by their wording."""

from collections.abc import Sequence
from typing import ClassVar

from stillhouse.skills.skill import Skill
from stillhouse.text.words import words


class Prose(Skill):
    """A skill whose good answers differ in their words, so that there is no vote and no verifier."""

    votes: ClassVar[bool] = False
    verifies: ClassVar[bool] = False

    def verify(self, answer: str, references: Sequence[str]) -> None:
        """Return None: an answer in other words contradicts no reference."""

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both have the same words."""
        return words(one) == words(other)
