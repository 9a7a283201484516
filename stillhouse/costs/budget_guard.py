"""Whether one more request may be sent: what was spent, what requests in flight may still take, and the budget.

Separate because an engine and an endpoint are asked in different ways, and must stop by the same rule: a request is
sent only where it, and all those in flight, could take their whole length within the budget.
"""

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from stillhouse.costs.price import HOUR_S, ResolvedPrice
from stillhouse.costs.usage import BudgetUsage, Usage
from stillhouse.errors import BudgetSpent
from stillhouse.recipe.costs import Budget


class BudgetScope(BaseModel):
    """A worker's budget: the recipe's, the price it counts with, and what other stages' answers have taken of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: Budget = Budget()
    tariff: ResolvedPrice = ResolvedPrice()
    before: BudgetUsage = BudgetUsage()


class BudgetGuard:
    """The books of one worker while it asks. `held` is what the stored answers among its own took already."""

    def __init__(self, cap: BudgetScope, held: Usage, clock: Callable[[], float] = time.monotonic) -> None:
        """Start to count time now."""
        self._cap = cap
        self._clock = clock
        self._started = clock()
        self._stored_s = held.seconds or 0.0
        self._prompt = float(held.prompt_tokens or 0)
        self._completion = float(held.completion_tokens or 0)
        self._flying: dict[str, tuple[float, int]] = {}
        self._flying_prompt, self._flying_completion = 0.0, 0
        self._longest_s = 0.0

    @property
    def num_in_flight(self) -> int:
        """Requests sent and not answered yet."""
        return len(self._flying)

    def can_reserve(self, prompt_tokens: float, max_tokens: int) -> bool:
        """Return whether a request fits, if it and all in flight take their `max_tokens` and the longest time seen."""
        if not self._cap.budget.is_set:
            return True
        prompt = self._prompt + self._flying_prompt + prompt_tokens
        completion = self._completion + self._flying_completion + max_tokens
        return not self._passed(prompt, completion, self._seconds + self._longest_s)

    def reserve(self, key: str, prompt_tokens: float, max_tokens: int) -> None:
        """Set aside what the request may take."""
        self._flying[key] = (prompt_tokens, max_tokens)
        self._flying_prompt += prompt_tokens
        self._flying_completion += max_tokens

    def settle(self, key: str, prompt_tokens: int | None, completion_tokens: int, seconds: float) -> None:
        """Count what the request took in place of what was set aside for it; all of that where nobody counted."""
        reserved_prompt, reserved_completion = self._flying.pop(key)
        self._flying_prompt -= reserved_prompt
        self._flying_completion -= reserved_completion
        self._prompt += reserved_prompt if prompt_tokens is None else prompt_tokens
        self._completion += reserved_completion if prompt_tokens is None else completion_tokens
        self._longest_s = max(self._longest_s, seconds)

    def exceeded_error(self, num_open: int, num_all: int) -> BudgetSpent:
        """Return the error of a budget that allows no further request, with `num_open` of `num_all` unanswered."""
        used = self._with_others(self._prompt, self._completion, self._seconds)
        budget = self._cap.budget
        amounts = {
            "usd": (f"${used.usd:.4f}", budget.usd, f"${budget.usd}"),
            "tokens": (f"{used.tokens:,.0f} tokens", budget.tokens, f"{budget.tokens or 0:,}"),
            "hours": (f"{used.seconds / HOUR_S:.3f} hours", budget.hours, f"{budget.hours}"),
        }
        limited = {f"budget.{name}": found for name, found in amounts.items() if found[1] is not None}
        spent = ", ".join(f"{text} of {limit} ({name})" for name, (text, _, limit) in limited.items())
        return BudgetSpent(
            f"the budget allows no further request: {spent} are spent on the answers this recipe uses, and the next "
            f"request could pass it. {num_all - num_open} of {num_all} requests are answered and stored; {num_open} "
            f"are open. Raise {' or '.join(limited)} and run again: no stored answer is asked or paid twice."
        )

    @property
    def _seconds(self) -> float:
        return self._stored_s + self._clock() - self._started

    def _passed(self, prompt: float, completion: float, seconds: float) -> bool:
        budget = self._cap.budget
        used = self._with_others(prompt, completion, seconds)
        return (
            (budget.tokens is not None and used.tokens > budget.tokens)
            or (budget.hours is not None and used.seconds > budget.hours * HOUR_S)
            or (budget.usd is not None and used.usd > budget.usd)
        )

    def _with_others(self, prompt: float, completion: float, seconds: float) -> BudgetUsage:
        """Return what this worker's requests and the answers before them take together, each at its own price."""
        before = self._cap.before
        usd = self._cap.tariff.usd(prompt, completion, seconds) if self._cap.budget.usd is not None else None
        return BudgetUsage(
            tokens=before.tokens + prompt + completion,
            seconds=before.seconds + seconds,
            usd=before.usd + (usd or 0.0),
        )
