"""What skills with free answers share: nothing holds their wording, and every row is asked as it stands.

Separate because question answering, mathematics, summaries and conversations differ in how answers are read and judged
only.
"""

from collections.abc import Sequence
from typing import Any

closed_answers = False


def constraint(skill: Any, labels: Sequence[str], lead: str = "") -> dict[str, Any]:
    """Return no constraint: free text."""
    return {}


def has_wording(answer: str, skill: Any) -> bool:
    """Return True: what is said here can refuse, repeat itself or be in the wrong language."""
    return True


def lesson(text: str, answer: str, skill: Any) -> str:
    """Return what a student is trained to say: the answer as it was read."""
    return answer
