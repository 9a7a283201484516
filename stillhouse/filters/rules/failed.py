"""Drops requests that never became a completion; no setting keeps them, for there is nothing to keep."""

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class Failed(CandidateRule):
    """Objects if the engine or the endpoint reported an error."""

    name = "failed"
    next_step = "see the teacher's log for the errors"

    def objection(self, candidate: Candidate) -> str | None:
        """Return the error."""
        finish_reason = candidate.completion.finish_reason
        return finish_reason if finish_reason.startswith("error") else None
