"""Sends one request to an endpoint, and again if the failure may pass."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential
from tenacity.wait import wait_base

from stillhouse.completions.completion import Reply
from stillhouse.errors import ServiceUnavailable
from stillhouse.inference.api.errors import ContentFiltered, TransientError, classify_error
from stillhouse.inference.api.rate_limit import RateLimiter
from stillhouse.inference.api.request import ApiModel, ChatRequest, max_completion_tokens, request_body
from stillhouse.inference.api.response import MalformedResponse, read_reply
from stillhouse.recipe.endpoint import Endpoint

_CONNECT_S = 10.0
BACKOFF_S = wait_random_exponential(multiplier=1.0, max=60.0)
# so many requests in a row, each given up after all its tries, say that the endpoint is down
_MAX_LOST_IN_A_ROW = 3
# at least so long between two lines about trouble
_QUIET_S = 10.0


class Outcome(NamedTuple):
    """The reply to one request, or the kind of error for which there is none."""

    reply: Reply | None
    error: str = ""
    seconds: float = 0.0  # of the try that was answered


class Client:
    """An open connection to one endpoint."""

    def __init__(
        self,
        model: ApiModel,
        log: Callable[[str], None],
        *,
        backoff: wait_base = BACKOFF_S,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the connection; nothing is sent yet. `backoff` is the wait between tries."""
        self.num_sent = 0
        self.tries_lost: Counter[str] = Counter()
        self.model = model
        self._log = log
        self._backoff = backoff
        self._limiter = RateLimiter(model.endpoint)
        self._num_answered = 0
        self._lost_in_a_row = 0
        self._down_message = ""
        self._quiet_until = 0.0
        self._api = open_api(model, transport)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def send(self, request: ChatRequest) -> Outcome:
        """Return the reply, or the failure if all tries of this one request were lost.

        Raises:
            ServiceError: the endpoint refuses what all requests have in common: key, model, a field.
            ServiceUnavailable: it answers no request any more.
        """
        retrying = retry_policy(self.model.endpoint, self._backoff, self._before_sleep)
        try:
            outcome: Outcome = await retrying(self._send_once, request)
        except ContentFiltered as error:
            self._log_rarely(f"a prompt was refused: {error}")
            return Outcome(None, error.kind)
        except TransientError as error:
            return self._given_up(error)
        return outcome

    def most_tokens(self, request: ChatRequest) -> tuple[float, int]:
        """Return the probable tokens of the request's prompt, and the most tokens of its completion."""
        return self._limiter.estimate(request), max_completion_tokens(self.model)

    def check_alive(self) -> None:
        """Raise ServiceUnavailable if requests were lost and none was answered."""
        if self._lost_in_a_row and not self._num_answered:
            raise ServiceUnavailable(self._down_message)

    async def _send_once(self, request: ChatRequest) -> Outcome:
        body = request_body(self.model, request)
        await self._limiter.acquire(request, max_completion_tokens(self.model))
        self.num_sent += 1
        started = time.monotonic()
        try:
            # the library's timeout is for one read: a server that sends a blank line now and then never meets it
            async with asyncio.timeout(self.model.endpoint.timeout_s):
                # raw: the library itself builds completions out of whatever JSON it gets
                raw = await self._api.chat.completions.with_raw_response.create(
                    model=body.pop("model"), messages=body.pop("messages"), extra_body=body
                )
                content = raw.http_response.content
            reply = read_reply(content, self.model.form)
        except (openai.APIError, MalformedResponse, TimeoutError) as error:
            raise classify_error(error, self.model) from None
        self._num_answered += 1
        self._lost_in_a_row = 0
        self._limiter.observe(request, reply.prompt_tokens)
        return Outcome(reply, seconds=time.monotonic() - started)

    def _before_sleep(self, state: RetryCallState) -> None:
        error = last_error(state)
        self.tries_lost[error.kind] += 1
        if error.retry_after_s is not None:
            # it asks all of us, not the one request that met its limit
            self._limiter.back_off(error.retry_after_s)
        self._log_rarely(f"{error}; retried in {state.upcoming_sleep:.1f} s")

    def _given_up(self, error: TransientError) -> Outcome:
        """Return the failure of a request given up; an endpoint that loses one after the other is down."""
        endpoint = self.model.endpoint
        self.tries_lost[error.kind] += 1
        # a completion without text shows that the endpoint is well
        self._lost_in_a_row += error.kind != "empty"
        self._down_message = (
            f"{error}, the last of several requests given up after {endpoint.max_attempts} tries or "
            f"{endpoint.patience_s:g} s. Completions that came are stored: run again once it answers, or see that "
            f"{endpoint.address} is the address of chat completions."
        )
        if self._lost_in_a_row >= _MAX_LOST_IN_A_ROW:
            raise ServiceUnavailable(self._down_message)
        self._log_rarely(f"a prompt was given up: {error}")
        return Outcome(None, error.kind)

    def _log_rarely(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_S
            self._log(text)


def retry_policy(
    endpoint: Endpoint, backoff: wait_base, before_sleep: Callable[[RetryCallState], None]
) -> AsyncRetrying:
    """Return the policy by which one request is tried again after a failure that may pass."""
    return AsyncRetrying(
        retry=retry_if_exception_type(TransientError),
        wait=lambda state: wait_before_retry(state, backoff),
        stop=StopAfter(endpoint),
        before_sleep=before_sleep,
        reraise=True,
    )


class StopAfter:
    """Gives a request up after so many lost tries, or if the next try would come after the endpoint's patience.

    Tries that met a rate limit don't count: a rate limit says nothing about the request. Patience counts from the first
    lost try, so it leaves out the wait for the recipe's own limits.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lost = 0
        self._since = 0.0

    def __call__(self, state: RetryCallState) -> bool:
        """Return whether no further try is made."""
        error, now = last_error(state), time.monotonic()
        self._since = self._since or now
        self._lost += error.kind != "rate_limit"
        waited = now - self._since + (error.retry_after_s or 0.0)
        return self._lost >= self._endpoint.max_attempts or waited >= self._endpoint.patience_s


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


def open_api(model: ApiModel, transport: httpx2.AsyncBaseTransport | None) -> openai.AsyncOpenAI:
    """Return the library's client for a model's endpoint, with no retries of its own."""
    endpoint = model.endpoint
    api = openai.AsyncOpenAI(
        base_url=endpoint.address,
        api_key=model.api_key or "none",
        max_retries=0,  # we retry: the library forgets a Retry-After of more than two minutes
        timeout=httpx2.Timeout(endpoint.timeout_s, connect=min(_CONNECT_S, endpoint.timeout_s)),
        http_client=openai.DefaultAsyncHttpxClient(
            transport=transport,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=endpoint.concurrency, max_keepalive_connections=endpoint.concurrency),
        ),
    )
    if endpoint.provider != "openai":
        # the library takes them from the environment, whoever it talks to
        api.organization = api.project = None
    return api
