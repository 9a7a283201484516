"""Drops answers that contradict the row's own reference: the one thing known to be right."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where the row has references and the answer is none of them, else None."""
    if filters.verification and candidate.agrees_with_reference is False:
        return f"answered {candidate.answer}, the reference is {' or '.join(candidate.row['references'])}"
    return None
