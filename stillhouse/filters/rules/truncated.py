"""Drops answers cut off by the token limit: a student would learn to stop in mid-sentence."""

from stillhouse.filters.candidate import Sample
from stillhouse.recipe.filters import Filters


def rule(sample: Sample, filters: Filters) -> str | None:
    """Return why `sample` is dropped where its completion hit max_tokens, else None."""
    if filters.truncated and sample.completion.finish_reason == "length":
        return f"cut off after {sample.completion.completion_tokens} tokens"
    return None
