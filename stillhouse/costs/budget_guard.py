"""Whether the budget allows one more request.

Engines and endpoints share one rule: a request is sent only if it and all requests in flight could take their whole
length within the budget.
"""

import time
from collections.abc import Callable

from stillhouse.config import StrictModel
from stillhouse.costs.price import HOUR_S, ResolvedPrice
from stillhouse.costs.usage import BudgetUsage, Usage
from stillhouse.errors import BudgetSpent
from stillhouse.recipe.costs import Budget


class BudgetScope(StrictModel):
    """A worker's budget: the recipe's, the price of its requests, and what other stages' completions have used."""

    budget: Budget = Budget()
    price: ResolvedPrice = ResolvedPrice()
    before: BudgetUsage = BudgetUsage()


class BudgetGuard:
    """Counts one worker's usage, that of requests in flight included; `stored` is what its stored completions took."""

    def __init__(self, scope: BudgetScope, stored: Usage, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the clock."""
        self._scope = scope
        self._clock = clock
        self._started = clock()
        self._stored_s = stored.seconds or 0.0
        self._prompt = float(stored.prompt_tokens or 0)
        self._completion = float(stored.completion_tokens or 0)
        self._cached = float(stored.cached_tokens or 0)
        self._flying: dict[str, tuple[float, int]] = {}
        self._flying_prompt, self._flying_completion = 0.0, 0
        self._longest_s = 0.0

    @property
    def num_in_flight(self) -> int:
        """Requests sent, without a completion yet."""
        return len(self._flying)

    def can_reserve(self, prompt_tokens: float, max_tokens: int) -> bool:
        """Return whether a request fits if it and all in flight take their `max_tokens` and the longest time so far."""
        if not self._scope.budget.is_set:
            return True
        prompt = self._prompt + self._flying_prompt + prompt_tokens
        completion = self._completion + self._flying_completion + max_tokens
        return not self._exceeds(prompt, completion, self._seconds + self._longest_s)

    def reserve(self, key: str, prompt_tokens: float, max_tokens: int) -> None:
        """Reserve the most that the request can take."""
        self._flying[key] = (prompt_tokens, max_tokens)
        self._flying_prompt += prompt_tokens
        self._flying_completion += max_tokens

    def charge(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> None:
        """Count what an answer took that this worker has no use for, or that another run has asked for."""
        self._prompt += prompt_tokens
        self._completion += completion_tokens
        self._cached += cached_tokens

    def settle(
        self, key: str, prompt_tokens: int | None, completion_tokens: int, seconds: float, *, cached_tokens: int = 0
    ) -> None:
        """Replace a request's reservation by what it took; if its tokens were not counted, all of it stays."""
        reserved_prompt, reserved_completion = self._flying.pop(key)
        self._flying_prompt -= reserved_prompt
        self._flying_completion -= reserved_completion
        self._prompt += reserved_prompt if prompt_tokens is None else prompt_tokens
        self._completion += reserved_completion if prompt_tokens is None else completion_tokens
        self._cached += cached_tokens
        self._longest_s = max(self._longest_s, seconds)

    def exceeded_error(self, num_open: int, num_all: int) -> BudgetSpent:
        """Return the error for a budget that allows no further request; `num_open` of `num_all` have no completion."""
        used = self._with_others(self._prompt, self._completion, self._seconds)
        budget = self._scope.budget
        amounts = {
            "usd": (f"${used.usd:.4f}", budget.usd, f"${budget.usd}"),
            "tokens": (f"{used.tokens:,.0f} tokens", budget.tokens, f"{budget.tokens or 0:,}"),
            "hours": (f"{used.seconds / HOUR_S:.3f} hours", budget.hours, f"{budget.hours}"),
        }
        limited = {f"budget.{name}": amount for name, amount in amounts.items() if amount[1] is not None}
        used_amounts = ", ".join(f"{text} of {limit} ({name})" for name, (text, _, limit) in limited.items())
        return BudgetSpent(
            f"the budget allows no further request: this recipe's completions have used {used_amounts}, and the next "
            f"request could exceed it. {num_all - num_open} of {num_all} requests have a stored completion; {num_open} "
            f"are open. Raise {' or '.join(limited)} and run again: no stored completion is requested or paid twice."
        )

    @property
    def _seconds(self) -> float:
        return self._stored_s + self._clock() - self._started

    def _exceeds(self, prompt: float, completion: float, seconds: float) -> bool:
        budget = self._scope.budget
        used = self._with_others(prompt, completion, seconds)
        return (
            (budget.tokens is not None and used.tokens > budget.tokens)
            or (budget.hours is not None and used.seconds > budget.hours * HOUR_S)
            or (budget.usd is not None and used.usd > budget.usd)
        )

    def _with_others(self, prompt: float, completion: float, seconds: float) -> BudgetUsage:
        """Return what this worker's requests and the completions before them take together, each at its own price."""
        before = self._scope.before
        has_limit = self._scope.budget.usd is not None
        usd = self._scope.price.usd(prompt, completion, seconds, self._cached) if has_limit else None
        return BudgetUsage(
            tokens=before.tokens + prompt + completion,
            seconds=before.seconds + seconds,
            usd=before.usd + (usd or 0.0),
        )
