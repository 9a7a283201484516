"""Drops completions that go round in circles, the usual way a small model fails."""

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule
from stillhouse.text.words import phrases


class Repetitive(CandidateRule):
    """Objects if too many 3-word sequences are repeats."""

    name = "repetitive"
    off = (("repetitive", False),)

    repetitive: bool = Field(True, description="drop completions that repeat themselves")
    max_repetition: float = Field(0.5, gt=0.0, le=1.0, description="largest share of repeated 3-word sequences")

    def objection(self, candidate: Candidate) -> str | None:
        """Return the share of repeats."""
        if not self.repetitive or not candidate.is_prose:
            return None
        # what a student would learn: a teacher may rightly write a text several times over on the way to it
        target = candidate.training_target
        share = repeated_share(candidate.wording(candidate.completion.text if target is None else target))
        return f"{share:.0%} of its 3-word sequences are repeats" if share > self.max_repetition else None


def repeated_share(text: str) -> float:
    """Return the share, in [0, 1], of 3-word sequences of `text` that occur earlier in it; 0 under 3 words.

    In scripts without spaces a sequence is of as many characters as three words have on average.
    """
    sequences = phrases(text, 3)
    return 1 - len(set(sequences)) / len(sequences) if sequences else 0.0
