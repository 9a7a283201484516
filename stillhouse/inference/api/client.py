"""Sends one request to an endpoint, and again if the failure may pass."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import httpx2
import openai
from tenacity import RetryCallState
from tenacity.wait import wait_base

from stillhouse.completions.completion import Reply
from stillhouse.errors import ServiceUnavailable
from stillhouse.inference.api.errors import Refused, TransientError, classify_error
from stillhouse.inference.api.exchange import exchange
from stillhouse.inference.api.outage import Outage
from stillhouse.inference.api.rate_limit import RateLimiter
from stillhouse.inference.api.request import ApiModel, ChatRequest, max_completion_tokens, request_body
from stillhouse.inference.api.response import MalformedResponse, TokenCounts, read_reply
from stillhouse.inference.api.retry import BACKOFF_S, StopAfter, last_error, retry_policy
from stillhouse.inference.api.trust import drop_foreign_headers

_CONNECT_S = 10.0
# so many requests in a row, each given up after all its tries, say that the endpoint is down
_MAX_LOST_IN_A_ROW = 3
# so many refused prompts, before any is answered, say that it is not the prompts
_MAX_REFUSED = 10
# refused prompts that are named each; after these, one now and then
_MAX_NAMED = 20
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
        self.has_answered = False  # a request like these, now or in an earlier run
        self.is_ending = False  # nothing is tried again
        self.on_discarded: Callable[[ChatRequest, TokenCounts], None] = lambda request, counts: None
        self.model = model
        self._log = log
        self._backoff = backoff
        self._limiter = RateLimiter(model.endpoint)
        self._outage = Outage()
        self._num_answered = 0
        self._num_refused = 0
        self._refusal: Refused | None = None
        self._under_way: set[asyncio.Task[object] | None] = set()
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
            BudgetSpent: by `on_discarded`, which is told what an answer cost that can't be used.
        """
        stop = StopAfter(self.model, lambda: self.is_ending, self._outage_s)
        try:
            outcome: Outcome = await retry_policy(stop, self._backoff, self._before_sleep)(self._send_once, request)
        except Refused as error:
            return self._refused(request, error)
        except TransientError as error:
            return self._given_up(error)
        return outcome

    def most_tokens(self, request: ChatRequest) -> tuple[float, int]:
        """Return the probable tokens of the request's prompt, and the most tokens of its completion."""
        return self._limiter.estimate(request), max_completion_tokens(self.model)

    def is_under_way(self, task: "asyncio.Task[object]") -> bool:
        """Return whether `task` waits for the endpoint's answer, and for nothing else."""
        return task in self._under_way

    def check_alive(self) -> None:
        """Raise a ServiceError if requests were lost or refused and none was answered."""
        if self._lost_in_a_row and not self._num_answered:
            raise ServiceUnavailable(self._down_message)
        # what a filter objects to is the prompts' own, be it all of them
        if self._refusal and self._refusal.kind != "content_filter" and not self.has_answered:
            raise self._refusal.of_all

    async def _send_once(self, request: ChatRequest) -> Outcome:
        body = request_body(self.model, request)
        await self._limiter.acquire(request, max_completion_tokens(self.model))
        self.num_sent += 1
        started = time.monotonic()
        headers: Mapping[str, str] = {}
        task = asyncio.current_task()
        self._under_way.add(task)
        try:
            content, headers = await exchange(self._api, body, self.model.endpoint)
            reply = read_reply(content, self.model.form)
        except (openai.APIError, httpx2.TransportError, MalformedResponse, TimeoutError) as error:
            found = classify_error(error, self.model, headers)
            if isinstance(found, TransientError):
                self._outage.note_failure(request.key, found)
                if any(found.counts):
                    self.on_discarded(request, found.counts)
            raise found from None
        finally:
            self._under_way.discard(task)
        self._num_answered += 1
        self.has_answered = True
        self._lost_in_a_row = 0
        self._outage.note_answer()
        self._limiter.observe(request, reply.prompt_tokens)
        return Outcome(reply, seconds=time.monotonic() - started)

    def _outage_s(self, error: TransientError) -> float | None:
        return self._outage.seconds(error, has_answered=self.has_answered)

    def _before_sleep(self, state: RetryCallState) -> None:
        error = last_error(state)
        self.tries_lost[error.kind] += 1
        if error.retry_after_s is not None:
            # it asks all of us, not the one request that met its limit
            self._limiter.back_off(error.retry_after_s)
        self._log_rarely(f"{error}; retried in {state.upcoming_sleep:.1f} s")

    def _refused(self, request: ChatRequest, error: Refused) -> Outcome:
        """Return the failure of a prompt that is refused; if all are, it is not due to the prompt."""
        self._num_refused += 1
        self._refusal = error
        if self._num_refused >= _MAX_REFUSED and not self.has_answered:
            raise error.of_all
        log = self._log if self._num_refused <= _MAX_NAMED else self._log_rarely
        log(f"row {request.row_id} is refused and counts as failed: {error}{error.advice}")
        return Outcome(None, error.kind)

    def _given_up(self, error: TransientError) -> Outcome:
        """Return the failure of a request given up; an endpoint that loses one after the other is down."""
        endpoint = self.model.endpoint
        self.tries_lost[error.kind] += 1
        # a completion without text shows that the endpoint is well
        self._lost_in_a_row += error.kind != "empty"
        self._down_message = (
            f"{error}, and no answer came within {endpoint.max_attempts} tries or {endpoint.patience_s:g} s. "
            "Completions that came are stored: run again once it answers, or see that "
            f"{endpoint.address} is the address of chat completions."
        )
        if self._lost_in_a_row >= _MAX_LOST_IN_A_ROW or self._outage_s(error) is not None:
            raise ServiceUnavailable(self._down_message)
        self._log_rarely(f"a prompt was given up: {error}")
        return Outcome(None, error.kind)

    def _log_rarely(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_S
            self._log(text)


def open_api(model: ApiModel, transport: httpx2.AsyncBaseTransport | None) -> openai.AsyncOpenAI:
    """Return the library's client for a model's endpoint, with no retries of its own."""
    endpoint = model.endpoint
    own = {**endpoint.headers, **model.secret_headers}
    api = openai.AsyncOpenAI(
        base_url=endpoint.address,
        api_key=model.api_key or "none",
        default_headers=own,
        max_retries=0,  # we retry: the library forgets a Retry-After of more than two minutes
        timeout=httpx2.Timeout(endpoint.timeout_s, connect=min(_CONNECT_S, endpoint.timeout_s)),
        http_client=openai.DefaultAsyncHttpxClient(
            transport=transport,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=endpoint.concurrency, max_keepalive_connections=endpoint.concurrency),
        ),
    )
    drop_foreign_headers(api, endpoint, os.environ, own)
    return api
