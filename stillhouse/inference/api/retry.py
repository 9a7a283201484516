"""When a request to an endpoint is tried again, after how long, and when it is given up."""

import time
from collections.abc import Callable
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential
from tenacity.wait import wait_base

from stillhouse.inference.api.errors import TransientError
from stillhouse.inference.api.request import ApiModel

BACKOFF_S = wait_random_exponential(multiplier=1.0, max=60.0)
# greedy decoding gives the same empty answer each time, and each is paid for
_MAX_EMPTY_WHEN_GREEDY = 2


def retry_policy(stop: Any, backoff: wait_base, before_sleep: Callable[[RetryCallState], None]) -> AsyncRetrying:
    """Return the policy by which one request is tried again after a failure that may pass, until `stop`."""
    return AsyncRetrying(
        retry=retry_if_exception_type(TransientError),
        wait=lambda state: wait_before_retry(state, backoff),
        stop=stop,
        before_sleep=before_sleep,
        reraise=True,
    )


class StopAfter:
    """Gives a request up after so many lost tries, or if the next try would come after the endpoint's patience.

    Tries that met a rate limit don't count, nor do those that an outage took: neither says anything about the request.
    An outage is waited for by the clock. Patience counts from the first lost try, or the beginning of the outage, so it
    leaves out the wait for the recipe's own limits.
    """

    def __init__(
        self,
        model: ApiModel,
        is_over: Callable[[], bool] = lambda: False,
        outage_s: Callable[[TransientError], float | None] = lambda error: None,
    ) -> None:
        """`outage_s` returns for how long the endpoint is down, as of the failure; None if it is not."""
        self._endpoint = model.endpoint
        self._is_over = is_over
        self._outage_s = outage_s
        self._max_empty = max_tries(model, "empty", self._endpoint.max_attempts)
        self._lost = self._empty = 0
        self._since = 0.0

    def __call__(self, state: RetryCallState) -> bool:
        """Return whether no further try is made."""
        error, now = last_error(state), time.monotonic()
        waited = self._outage_s(error)
        if waited is None:
            self._since = self._since or now
            self._lost += error.kind != "rate_limit"
            self._empty += error.kind == "empty"
            waited = now - self._since
        else:
            self._since = 0.0  # what went before the outage is no part of what follows
        is_hopeless = self._lost >= self._endpoint.max_attempts or self._empty >= self._max_empty
        is_late = waited + (error.retry_after_s or 0.0) >= self._endpoint.patience_s
        return self._is_over() or is_hopeless or is_late


def max_tries(model: ApiModel, kind: str, limit: int) -> int:
    """Return how often a prompt is sent if its tries are lost to this kind of error: `limit`, or fewer."""
    is_greedy = model.teacher.sampling.temperature == 0.0
    return min(limit, _MAX_EMPTY_WHEN_GREEDY) if is_greedy and kind == "empty" else limit


def wait_before_retry(state: RetryCallState, backoff: wait_base) -> float:
    """Return the seconds until the next try: those that the endpoint asks for, else `backoff`'s."""
    own, requested = backoff(state), last_error(state).retry_after_s
    # a little on top: an endpoint that says 0 is not called in a tight loop, and waiting requests spread
    return own if requested is None else requested + own / 10


def last_error(state: RetryCallState) -> TransientError:
    """Return what the last try was lost to."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientError)
    return error
