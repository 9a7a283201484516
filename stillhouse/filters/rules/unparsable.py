"""Drops texts the skill can't read an answer from."""

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class Unparsable(CandidateRule):
    """Objects if the skill's parser found no answer."""

    name = "unparsable"
    next_step = "keep `output.kind: skill`, or name the labels in `prompt.system`"
    off = (("unparsable", False),)

    unparsable: bool = Field(True, description="drop completions the skill's parser can't read")

    def objection(self, candidate: Candidate) -> str | None:
        """Return that there is no answer."""
        return "no answer of the skill in it" if self.unparsable and candidate.answer is None else None
