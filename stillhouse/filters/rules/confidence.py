"""Drops completions that the teacher was not sure of."""

import math

from pydantic import Field

from stillhouse.config import optional_identity
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class Confidence(CandidateRule):
    """Objects if the probability of a closed answer, or the mean log-probability of a free one, is too low or unknown.

    Both ends of one measure: the more tokens a label has, the less its mean says of it; the longer a free text is, the
    less its whole probability says.
    """

    name = "confidence"
    next_step = "lower `filters.min_probability` (labels and other fixed answers) or `filters.min_mean_logprob`"
    off = (("min_probability", None), ("min_mean_logprob", None))
    runs_after_vote = True

    min_probability: float | None = optional_identity(
        None,
        "least probability of the whole answer, for answers of a fixed set: labels, and output.kind choice. With "
        "calibration it is the calibrated label's. none keeps all",
        gt=0.0,
        le=1.0,
    )
    min_mean_logprob: float | None = Field(
        None, le=0.0, description="least mean log-probability a token (nats), for free answers; none keeps all"
    )

    def objection(self, candidate: Candidate) -> str | None:
        """Return how sure the teacher was, and how sure it must be."""
        bound = self.min_probability if candidate.is_closed else self.min_mean_logprob
        if bound is None:
            return None
        known = candidate.log_certainty
        if known is None:
            return "its log-probability is not known"
        if candidate.is_closed:
            probability = math.exp(known)
            return f"probability {probability:.3f} is below {bound:g}" if probability < bound else None
        return f"mean log-probability {known:.3f} is below {bound:g}" if known < bound else None
