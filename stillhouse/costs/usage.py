"""What a set of answers took: tokens, and the time in which at least one of them was under way.

Separate because it is added up from the answers themselves, so that it is the same whichever runs they came in.
"""

from array import array
from datetime import datetime

from pydantic import BaseModel, ConfigDict


class BudgetUsage(BaseModel):
    """What answers took of a budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: float = 0.0
    seconds: float = 0.0
    usd: float = 0.0


class Usage(BaseModel):
    """An amount of work; None where it is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int | None = 0
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    seconds: float | None = 0.0


class UsageMeter:
    """The sum over answers as they come."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self._starts = array("d")
        self._ends = array("d")

    def add(self, prompt_tokens: int, completion_tokens: int, created: str, seconds: float) -> None:
        """Count one answer that was complete at `created` (ISO 8601) after `seconds`."""
        end = datetime.fromisoformat(created).timestamp()
        self.requests += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self._starts.append(end - seconds)
        self._ends.append(end)

    @property
    def seconds(self) -> float:
        """The length of the union of the times in which answers were under way."""
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
            seconds=round(self.seconds, 3),
        )
