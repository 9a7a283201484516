"""Drops answers of more words than the skill allows: a student would learn to ignore the limit."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where its answer has more words than the skill's limit, else None."""
    if not filters.too_long or not candidate.word_limit or candidate.answer is None:
        return None
    words = len(candidate.answer.split())
    return f"{words} words, at most {candidate.word_limit}" if words > candidate.word_limit else None
