"""Drops texts the skill can't read an answer from."""

from stillhouse.filters.candidate import Sample
from stillhouse.recipe.filters import Filters


def rule(sample: Sample, filters: Filters) -> str | None:
    """Return why `sample` is dropped where the skill's parser found no answer, else None."""
    return "no answer of the skill in it" if filters.unparsable and sample.answer is None else None
