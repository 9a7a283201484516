"""One stored completion, and its slot in a generation's table."""

from datetime import UTC, datetime
from typing import NamedTuple

from stillhouse.config import StrictModel


class CompletionSlot(NamedTuple):
    """One line of a generation's table: a rollout of a row's prompt, and the key of its completion.

    Rows with equal prompts have slots with equal keys.
    """

    row_id: str
    rollout_index: int
    key: str


class Reply(StrictModel):
    """A model's reply to one request."""

    text: str
    finish_reason: str  # stop | length | error:<kind>
    prompt_tokens: int
    completion_tokens: int
    token_ids: tuple[int, ...] = ()
    # per token: {token id: logprob}, the chosen token always among them; empty if none were requested
    logprobs: tuple[dict[int, float], ...] = ()
    cumulative_logprob: float | None = None


class Completion(Reply):
    """One stored completion; failed and truncated ones are kept too, so that a filter decides."""

    key: str
    seconds: float  # from submission to the last token
    teacher: str  # the teacher fingerprint, which is the folder of its segments
    created: str  # ISO 8601, UTC
    teacher_number: int | None = None  # the recipe's teacher, from 1; None if it has one; never stored

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability a token (nats), or None if it is not known."""
        if self.cumulative_logprob is None or not self.completion_tokens:
            return None
        return self.cumulative_logprob / self.completion_tokens


def utc_now() -> str:
    """Return the time now as a completion holds it: ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
