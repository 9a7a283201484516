"""Drops completions cut off by the token limit: a student would learn to stop in mid-sentence."""

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class Truncated(CandidateRule):
    """Objects if a completion hit max_tokens."""

    name = "truncated"
    next_step = "raise `sampling.max_tokens`"
    off = (("truncated", False),)

    truncated: bool = Field(True, description="drop completions cut off by max_tokens")

    def objection(self, candidate: Candidate) -> str | None:
        """Return how long the completion is."""
        if self.truncated and candidate.completion.finish_reason == "length":
            return f"cut off after {candidate.completion.completion_tokens} tokens"
        return None
