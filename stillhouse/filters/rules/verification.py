"""Drops answers that contradict the row's own reference: the one thing known to be right."""

from stillhouse.filters.candidate import Sample
from stillhouse.recipe.filters import Filters


def rule(sample: Sample, filters: Filters) -> str | None:
    """Return why `sample` is dropped where the row has references and the answer is none of them, else None."""
    if filters.verification and sample.agrees_with_reference is False:
        return f"answered {sample.answer}, the reference is {' or '.join(sample.row['references'])}"
    return None
