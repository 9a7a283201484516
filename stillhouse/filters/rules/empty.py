"""Drops answers without a letter, digit or sign in them."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where its text is blank, else None."""
    return "no text" if filters.empty and not candidate.completion.text.strip() else None
