"""Keeps requests within the limits of requests and tokens a minute, and holds all back while the endpoint asks so."""

import asyncio
import random
from typing import Any

from aiolimiter import AsyncLimiter

from stillhouse.inference.api.request import ChatRequest
from stillhouse.recipe.endpoint import Endpoint

# about three bytes of a prompt, which rather over-counts; corrected by what the endpoint counts
_BYTES_A_TOKEN = 3.0
_TOKENS_A_MESSAGE = 4


def least_seconds(endpoint: Endpoint, num_requests: int, num_tokens: float) -> float:
    """Return the seconds that the limits need at least; a request's completion counts with its greatest length."""
    amounts = ((num_requests, endpoint.requests_per_minute), (num_tokens, endpoint.tokens_per_minute))
    return max(60.0 * amount / per_minute if per_minute else 0.0 for amount, per_minute in amounts)


class RateLimiter:
    """The limits of one endpoint, shared by all requests in flight."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Start with nothing sent."""
        self._requests = _limiter(endpoint.requests_per_minute, 1.0)
        # a burst of a tenth: a full bucket would allow twice the limit in its first minute
        self._burst = max(1.0, endpoint.tokens_per_minute / 10)
        self._tokens = _limiter(endpoint.tokens_per_minute, self._burst)
        self._turn = asyncio.Lock()
        self._quiet_until = 0.0
        self._bytes = 0
        self._counted = 0

    async def acquire(self, request: ChatRequest, max_tokens: int) -> None:
        """Wait until the request may be sent; its completion has up to `max_tokens`."""
        await self._quiet()
        if self._tokens:
            await self._acquire_tokens(self.estimate(request) + max_tokens)
        if self._requests:
            await self._requests.acquire()
        await self._quiet()

    async def _acquire_tokens(self, amount: float) -> None:
        """Take `amount`, in several bursts if it is more; in turn, or small requests overtake a large one."""
        async with self._turn:
            while amount > 0.0:
                await self._tokens.acquire(min(self._burst, amount))
                amount -= self._burst

    async def _quiet(self) -> None:
        while (rest := self._quiet_until - _now()) > 0:
            # not all in the same moment
            await asyncio.sleep(rest + random.uniform(0.0, 0.1 * min(rest, 10.0)))

    def back_off(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._quiet_until = max(self._quiet_until, _now() + seconds)

    def observe(self, request: ChatRequest, prompt_tokens: int) -> None:
        """Note how many tokens the endpoint counted for a prompt."""
        if prompt_tokens > 0:
            self._bytes += request.place.size
            self._counted += prompt_tokens

    def estimate(self, request: ChatRequest) -> float:
        """Return the tokens that a prompt probably has."""
        size = request.place.size
        return size * self._counted / self._bytes if self._counted else size / _BYTES_A_TOKEN + _TOKENS_A_MESSAGE


def _limiter(per_minute: int, burst: float) -> AsyncLimiter | Any:
    return AsyncLimiter(burst, 60.0 * burst / per_minute) if per_minute else None


def _now() -> float:
    return asyncio.get_running_loop().time()
