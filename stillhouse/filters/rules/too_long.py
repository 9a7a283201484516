"""Drops answers of more words than the skill allows: a student would learn to ignore the limit."""

from stillhouse.filters.candidate import Sample
from stillhouse.recipe.filters import Filters


def rule(sample: Sample, filters: Filters) -> str | None:
    """Return why `sample` is dropped where its answer has more words than the skill's limit, else None."""
    if not filters.too_long or not sample.word_limit or sample.answer is None:
        return None
    words = len(sample.answer.split())
    return f"{words} words, at most {sample.word_limit}" if words > sample.word_limit else None
