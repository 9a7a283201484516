"""Drops answers without a letter, digit or sign in them."""

from stillhouse.filters.candidate import Sample
from stillhouse.recipe.filters import Filters


def rule(sample: Sample, filters: Filters) -> str | None:
    """Return why `sample` is dropped where its text is blank, else None."""
    return "no text" if filters.empty and not sample.completion.text.strip() else None
