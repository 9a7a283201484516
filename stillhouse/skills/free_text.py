"""What skills share whose answer is free text."""

from collections.abc import Sequence
from typing import Any, ClassVar

from stillhouse.data.row import normalise
from stillhouse.skills.skill import Skill


class FreeText(Skill):
    """A skill whose answer no label set limits."""

    def is_prose(self, answer: str) -> bool:
        """Return True: free text can refuse, repeat itself or be in the wrong language."""
        return True

    def constraint(self, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return no constraint."""
        return {}


class Prose(FreeText):
    """A skill whose answers are wordings: two good ones rarely agree, so there is no vote and no verifier."""

    votes: ClassVar[bool] = False
    verifies: ClassVar[bool] = False

    def verify(self, answer: str, references: Sequence[str]) -> None:
        """Return None: an answer in other words contradicts no reference."""
        return

    def equivalent(self, one: str, other: str) -> bool:
        """Return whether both have the same words."""
        return normalise(one) == normalise(other)
