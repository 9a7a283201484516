"""Drops refusals: a student trained on them refuses prompts it could answer."""

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.refusal_phrases import is_script_known, refusing_opening
from stillhouse.filters.rule import CandidateRule

# only at the opening: "I can't log in" further on is a quote, and an answer may well speak of what can't be done
_OPENING_CHARS = 200


class Refusal(CandidateRule):
    """Objects if the text opens as a refusal does, in one of the languages of refusal_phrases.py."""

    name = "refused"
    next_step = "change `prompt.system`"
    off = (("refused", False),)

    refused: bool = Field(
        True,
        description="drop refusals (“I can't help with …”), in the languages most spoken: English, Mandarin, Hindi, "
        "Spanish, Arabic, French, Bengali, Portuguese, Russian, Urdu, Indonesian, German and Japanese. "
        "false keeps them, for a chat student that must learn what to refuse",
    )

    def objection(self, candidate: Candidate) -> str | None:
        """Return the opening."""
        if not self.refused or not candidate.is_prose:
            return None
        opening = refusing_opening(_opening(candidate))
        return f"opens with “{opening}”" if opening else None

    def cannot_judge(self, candidate: Candidate) -> bool:
        """Return whether the text is in a script of whose languages no refusals are known."""
        return self.refused and candidate.is_prose and not is_script_known(_opening(candidate))


def _opening(candidate: Candidate) -> str:
    return candidate.wording(candidate.completion.text)[:_OPENING_CHARS]
