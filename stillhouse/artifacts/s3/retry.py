"""The retry policy of S3: limited by time, with growing random waits, and shared by all requests.

If a store is gone for good, only the first request waits for it: later ones fail at once.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from stillhouse.artifacts.s3.errors import is_passing

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
_LOGGED_FROM = 5  # tries; fewer are over within two seconds and happen every day
_SHORT_S = 10.0  # a patience that is over before a warning is read


class Patience:
    """Retries requests while the store has failed for less than `seconds`."""

    def __init__(self, seconds: float, where: str):
        self._seconds = seconds
        self._where = where
        self._failing_since: float | None = None
        self._failed_last = 0.0
        self._policy = AsyncRetrying(
            retry=retry_if_exception(is_passing),
            wait=wait_random_exponential(multiplier=_FIRST_WAIT_S, max=min(_LONGEST_WAIT_S, max(seconds / 4, 0.01))),
            stop=self._is_over,
            before_sleep=self._warn,
            reraise=True,
        )

    async def __call__(self, request: Callable[[], Awaitable[T]]) -> T:
        """Return what `request` returns, after as many tries as the patience allows.

        Raises:
            Exception: that of the last try.
        """
        result: T = await self._policy.copy()(request)
        self._failing_since = None
        return result

    def _is_over(self, state: RetryCallState) -> bool:
        now = time.monotonic()
        if self._failing_since is None or now - self._failed_last > self._seconds:  # an old failure is over
            self._failing_since = now
        self._failed_last = now
        # each request has its own clock too: others that succeed must not keep it trying for ever
        failing_s = max(now - self._failing_since, state.seconds_since_start or 0.0)
        is_over = failing_s + state.upcoming_sleep >= self._seconds
        if is_over:
            self._failing_since = now - self._seconds  # used up, for the next request too
        return is_over

    def _warn(self, state: RetryCallState) -> None:
        if state.attempt_number == _LOGGED_FROM and self._seconds > _SHORT_S:
            logger.warning("%s fails; requests are retried for up to %.0f s", self._where, self._seconds)
