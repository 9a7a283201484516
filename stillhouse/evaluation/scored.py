"""An answer with what its model says of how sure it is."""

from collections.abc import Sequence
from typing import NamedTuple


class Scored(NamedTuple):
    """An answer and the log-probabilities (nats) that its model gave it."""

    answer: str | None  # None: unreadable
    logprob: float | None  # of the whole completion
    label_logprobs: Sequence[float] | None  # of each label, by its first token

    @property
    def is_known(self) -> bool:
        """Whether the model's certainty is known; of an answer that can't be read it is, none."""
        return self.answer is None or self.label_logprobs is not None or self.logprob is not None
