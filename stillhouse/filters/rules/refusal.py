"""Drops refusals: a student trained on them refuses prompts it could answer."""

import re

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule

_OPENING_CHARS = 200

# only at the opening: "I can't log in" further on is a quote, and an answer may well speak of what can't be done
_WILL_NOT = r"(?:can(?:'t|not| not)|am (?:unable|not able) to|won't|will not)"
_HELP = r"(?:help|assist|answer|comply|provide|fulfil|do (?:that|this)|complete|discuss|respond|engage|generate|create)"
_REFUSAL = re.compile(
    r"\W*(?:(?:i am|i'm|i apologi[sz]e|sorry|unfortunately|as an? (?:ai|language|assistant))\b[^\n]{0,60}?)?"
    rf"(?:\bi {_WILL_NOT} {_HELP}"
    rf"|\bi'm (?:unable|not able) to {_HELP}"
    r"|\bas an? (?:ai|language model|assistant)\b[^.!?\n]{0,60}\b(?:can't|cannot|don't|unable|not)\b"
    r"|\bi (?:have to|must) (?:decline|refuse)\b)",
    re.IGNORECASE,
)


class Refusal(CandidateRule):
    """Objects if the text opens as an English refusal does."""

    name = "refused"
    next_step = "change `prompt.system`"

    refused: bool = Field(True, description="drop refusals (“I can't help with …”)")

    def objection(self, candidate: Candidate) -> str | None:
        """Return the opening."""
        if not self.refused or not candidate.is_prose:
            return None
        opening = candidate.completion.text[:_OPENING_CHARS].replace("’", "'")
        match = _REFUSAL.match(opening)
        return f"opens with “{match.group().strip()}”" if match else None
