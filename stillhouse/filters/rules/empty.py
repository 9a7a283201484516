"""Drops completions without a letter, digit or sign in them."""

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class Empty(CandidateRule):
    """Objects if the text is blank."""

    name = "empty"
    off = (("empty", False),)

    empty: bool = Field(True, description="drop completions without text")

    def objection(self, candidate: Candidate) -> str | None:
        """Return that there is no text."""
        return "no text" if self.empty and not candidate.completion.text.strip() else None
