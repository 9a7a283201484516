"""Drops answers the teacher itself was not sure of."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped if its mean log-probability (nats a token) is too low or unknown, else None."""
    bound = filters.min_mean_logprob
    if bound is None:
        return None
    mean = candidate.completion.mean_logprob
    if mean is None:
        return "its log-probability is not known"
    return f"mean log-probability {mean:.3f} is below {bound:g}" if mean < bound else None
