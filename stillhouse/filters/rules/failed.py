"""Drops requests that never became an answer; no setting keeps them, for there is nothing to keep."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where the engine or the endpoint reported an error, else None."""
    finish_reason = candidate.completion.finish_reason
    return finish_reason if finish_reason.startswith("error") else None
