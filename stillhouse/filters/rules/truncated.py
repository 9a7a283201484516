"""Drops answers cut off by the token limit: a student would learn to stop in mid-sentence."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where its completion hit max_tokens, else None."""
    if filters.truncated and candidate.completion.finish_reason == "length":
        return f"cut off after {candidate.completion.completion_tokens} tokens"
    return None
