"""Drops completions that the teacher was not sure of."""

from pydantic import Field

from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class Confidence(CandidateRule):
    """Objects if the mean log-probability (nats a token) is too low or not known."""

    name = "confidence"
    next_step = "lower `filters.min_mean_logprob`"
    runs_after_vote = True

    min_mean_logprob: float | None = Field(
        None, le=0.0, description="least mean log-probability a token; none keeps all"
    )

    def objection(self, candidate: Candidate) -> str | None:
        """Return the mean log-probability."""
        bound, mean = self.min_mean_logprob, candidate.completion.mean_logprob
        if bound is None:
            return None
        if mean is None:
            return "its log-probability is not known"
        return f"mean log-probability {mean:.3f} is below {bound:g}" if mean < bound else None
