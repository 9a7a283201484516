"""What skills share whose answer is free text."""

from collections.abc import Sequence
from typing import Any

from stillhouse.skills.skill import Skill


class FreeText(Skill):
    """A skill whose answer no label set limits."""

    def is_prose(self, answer: str) -> bool:
        """Return True: free text can refuse, repeat itself or be in the wrong language."""
        return True

    def constraint(self, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
        """Return no constraint."""
        return {}
