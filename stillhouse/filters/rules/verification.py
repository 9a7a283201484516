"""Drops answers that contradict the row's own reference: the one thing known to be right."""

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class Verification(CandidateRule):
    """Objects if the row has references and the answer is none of them."""

    name = "verification"
    next_step = "raise `prompt.examples` or take a stronger teacher"
    off = (("verification", False),)

    verification: bool = Field(True, description="drop completions that contradict the row's own reference")

    def objection(self, candidate: Candidate) -> str | None:
        """Return the answer and the references."""
        if self.verification and candidate.agrees_with_reference is False:
            return f"answered {candidate.answer}, the reference is {' or '.join(candidate.row['references'])}"
        return None

    def cannot_judge(self, candidate: Candidate) -> bool:
        """Return whether the skill could neither confirm nor contradict the answer by the row's reference."""
        is_open = candidate.agrees_with_reference is None and candidate.answer is not None
        return self.verification and is_open and candidate.verifies and bool(candidate.row["references"])
