"""Drops texts the skill can't read an answer from."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where the skill's parser found no answer, else None."""
    return "no answer of the skill in it" if filters.unparsable and candidate.answer is None else None
