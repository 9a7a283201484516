"""One stored completion, and its slot in a generation's table."""

from datetime import UTC, datetime
from typing import NamedTuple

from stillhouse.config import StrictModel
from stillhouse.reasoning import split_reasoning

# finish reason of a reply that was paid for and can't be used: stored for its tokens, beside what came of its request
DISCARDED = "error:discarded"


class CompletionSlot(NamedTuple):
    """One line of a generation's table: a rollout of a row's prompt, and the key of its completion.

    Rows with equal prompts have slots with equal keys.
    """

    row_id: str
    rollout_index: int
    key: str


class Reply(StrictModel):
    """A model's reply to one request."""

    text: str  # as the model wrote it, in the store; without its reasoning wherever it is read
    reasoning: str = ""  # what came before the answer; in the store, what a server handed over apart from the text
    finish_reason: str  # stop | length | error:<kind>
    prompt_tokens: int
    completion_tokens: int  # all that are paid for
    cached_tokens: int = 0  # of the prompt's, those that a provider had in its cache and charges less for
    # without those of a stop text of the recipe; over an API, of the answer alone
    token_ids: tuple[int, ...] = ()
    # per token: {token id: logprob}, the chosen token always among them; empty if none were requested
    logprobs: tuple[dict[int, float], ...] = ()
    cumulative_logprob: float | None = None  # of these tokens, or over an API of the answer's text


class Completion(Reply):
    """One stored completion; failed and truncated ones are kept too, so that a filter decides."""

    key: str
    seconds: float  # from submission to the last token
    teacher: str  # the teacher fingerprint, which is the folder of its segments
    created: str  # ISO 8601, UTC
    # none of these is stored in a segment
    teacher_number: int | None = None  # the recipe's teacher, from 1; None if it has one
    is_closed: bool = False  # decoding allowed one of a fixed set of texts only
    # of the answer's own tokens, without stop tokens; None: not known apart from the other tokens
    answer_logprob: float | None = None
    answer_tokens: int | None = None

    @property
    def is_discarded(self) -> bool:
        """Whether this is no completion but the cost of a reply that was thrown away."""
        return self.finish_reason == DISCARDED

    def log_certainty(self, *, is_closed: bool) -> float | None:
        """Return how sure the teacher was (nats), or None if it is not known.

        It is the log-probability of the whole answer if that is one of a fixed set (`is_closed`), so that a label of
        five tokens and one of one token compare; else the mean a token, since a longer free text is ever less likely.
        """
        total = self.cumulative_logprob if self.answer_logprob is None else self.answer_logprob
        if total is None or is_closed:
            return total
        if self.reasoning and self.answer_tokens is None:
            return None  # the count is of the reasoning's tokens too
        tokens = self.completion_tokens if self.answer_tokens is None else self.answer_tokens
        return total / tokens if tokens else None


def without_reasoning(completion: Completion) -> Completion:
    """Return a completion as the model wrote it with its reasoning taken out of the text."""
    answer, reasoning = split_reasoning(completion.text, completion.reasoning)
    if answer == completion.text and reasoning == completion.reasoning:
        return completion  # as nearly all are
    return completion.model_copy(update={"text": answer, "reasoning": reasoning})


def utc_now() -> str:
    """Return the time now as a completion holds it: ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
