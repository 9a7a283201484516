"""The usage of a set of completions: tokens, and the time in which at least one of them was under way.

It is summed over the completions themselves, so it does not depend on the runs they came in.
"""

from array import array
from collections.abc import Iterable
from datetime import datetime

from stillhouse.completions.completion import Completion
from stillhouse.config import StrictModel


class BudgetUsage(StrictModel):
    """The part of a budget that completions have used."""

    tokens: float = 0.0
    seconds: float = 0.0
    usd: float = 0.0


class Usage(StrictModel):
    """An amount of work; None for what is not known."""

    requests: int | None = 0
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    cached_tokens: int | None = 0  # of the prompts', those from a provider's cache
    seconds: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Those of prompts and completions, as far as they are known."""
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)


class UsageMeter:
    """The sum over completions as they arrive."""

    def __init__(self, completions: Iterable[Completion] = ()) -> None:
        """Start with the sum over `completions`."""
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0
        self._starts = array("d")
        self._ends = array("d")
        for completion in completions:
            self.add(completion)

    def add(self, completion: Completion) -> None:
        """Count one completion."""
        end = datetime.fromisoformat(completion.created).timestamp()
        self.requests += 1
        self.add_discarded(completion)
        self._starts.append(end - completion.seconds)
        self._ends.append(end)

    def add_discarded(self, completion: Completion) -> None:
        """Count the tokens of a reply that was thrown away: they are paid for, and it is no completion."""
        self.prompt_tokens += completion.prompt_tokens
        self.completion_tokens += completion.completion_tokens
        self.cached_tokens += completion.cached_tokens

    @property
    def seconds(self) -> float:
        """The length of the union of the times in which completions were under way."""
        total, until = 0.0, float("-inf")
        for start, end in sorted(zip(self._starts, self._ends, strict=True)):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total

    @property
    def total(self) -> Usage:
        """The sum as a record."""
        return Usage(
            requests=self.requests,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_tokens=self.cached_tokens,
            seconds=round(self.seconds, 3),
        )
