"""Drops requests that never became an answer; no setting keeps them, for there is nothing to keep."""

from stillhouse.filters.candidate import Sample
from stillhouse.recipe.filters import Filters


def rule(sample: Sample, filters: Filters) -> str | None:
    """Return why `sample` is dropped where the engine or the endpoint reported an error, else None."""
    finish_reason = sample.completion.finish_reason
    return finish_reason if finish_reason.startswith("error") else None
