"""Drops answers that go round in circles, the usual way a small model fails."""

from stillhouse.data.row import normalise
from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where too many of its 3-word sequences are repeats, else None."""
    if not filters.repetitive or not candidate.is_prose:
        return None
    # what a student would learn: a teacher may rightly write a text several times over on the way to it
    target = candidate.training_target
    share = repeated_share(candidate.completion.text if target is None else target)
    return f"{share:.0%} of its 3-word sequences are repeats" if share > filters.max_repetition else None


def repeated_share(text: str) -> float:
    """Return the share, in [0, 1], of 3-word sequences of `text` that stand earlier in it; 0 under 3 words."""
    words = normalise(text).split()
    sequences = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(sequences)) / len(sequences) if sequences else 0.0
