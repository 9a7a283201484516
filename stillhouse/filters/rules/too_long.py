"""Drops answers of more words than the skill allows: a student would learn to ignore the limit."""

from stillhouse.config import optional_identity
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule
from stillhouse.text.words import num_words


class TooLong(CandidateRule):
    """Objects if the answer has more words than the skill's limit."""

    name = "too_long"
    next_step = "raise `skill.max_words`"
    off = (("too_long", False),)

    too_long: bool = optional_identity(True, "drop answers of more words than the skill allows (`skill.max_words`)")

    def objection(self, candidate: Candidate) -> str | None:
        """Return the number of words."""
        if not self.too_long or not candidate.word_limit or candidate.answer is None:
            return None
        words = num_words(candidate.answer)
        return f"{words} words, at most {candidate.word_limit}" if words > candidate.word_limit else None
