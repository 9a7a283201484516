"""Asks one question of an endpoint, and again where that may help.

Separate because it is the one place that talks to an endpoint: generation and measuring ask through it alike.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential
from tenacity.wait import wait_base

from stillhouse.errors import ServiceUnavailable
from stillhouse.inference.api.errors import ContentFiltered, TransientError, fault_of
from stillhouse.inference.api.rate_limit import RateLimiter
from stillhouse.inference.api.request import ChatRequest, ResponseForm, request_body
from stillhouse.inference.api.response import MalformedResponse, Reply, read_reply
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Teacher

_CONNECT_S = 10.0
BACKOFF_S = wait_random_exponential(multiplier=1.0, max=60.0)
# so many questions in a row, each given up after all its tries, say that it is not the questions
_MOST_LOST_IN_A_ROW = 3
# at least so long between two lines about trouble
_QUIET_S = 10.0


class Answered:
    """What became of one question."""

    __slots__ = ("finish_reason", "reply", "seconds")

    def __init__(self, reply: Reply | None, finish_reason: str, seconds: float) -> None:
        self.reply = reply
        self.finish_reason = finish_reason
        self.seconds = seconds  # of the try that was answered


class Client:
    """An open connection to one endpoint."""

    def __init__(
        self,
        teacher: Teacher,
        endpoint: Endpoint,
        form: ResponseForm,
        key: str,
        log: Callable[[str], None],
        *,
        backoff: wait_base = BACKOFF_S,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Remember what to ask; nothing is sent yet. `backoff` says how long to wait between tries."""
        self.sent = 0
        self.tries_lost: Counter[str] = Counter()
        self._teacher = teacher
        self._endpoint = endpoint
        self._form = form
        self._key = key
        self._log = log
        self._backoff = backoff
        self._limiter = RateLimiter(endpoint)
        self._answered = 0
        self._lost_in_a_row = 0
        self._down = ""
        self._quiet_until = 0.0
        self._api = open_api(endpoint, key, transport)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def ask(self, question: ChatRequest) -> Answered:
        """Return the answer, or the failure where all tries were lost to it alone.

        Raises:
            ServiceError: the endpoint refuses what every question has in common: key, model, a field.
            ServiceUnavailable: it answers no question any more.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=self._wait,
            stop=StopAfter(self._endpoint),
            before_sleep=self._before_sleep,
            reraise=True,
        )
        try:
            found: Answered = await retrying(self._once, question)
        except ContentFiltered as error:
            self._note(f"a prompt was refused: {error}")
            return Answered(None, f"error:{error.kind}", 0.0)
        except TransientError as error:
            return self._lost(error)
        return found

    def most_tokens(self, question: ChatRequest) -> tuple[float, int]:
        """Return the tokens that the question's prompt probably has, and those that its answer has at most."""
        sent = request_body(self._teacher, self._endpoint, self._form, question)
        return self._limiter.estimate(question), int(sent[self._endpoint.preset.max_tokens_field])

    def check_alive(self) -> None:
        """Raise ServiceUnavailable where questions were lost and none was answered."""
        if self._lost_in_a_row and not self._answered:
            raise ServiceUnavailable(self._down)

    async def _once(self, question: ChatRequest) -> Answered:
        sent = request_body(self._teacher, self._endpoint, self._form, question)
        await self._limiter.acquire(question, sent[self._endpoint.preset.max_tokens_field])
        self.sent += 1
        started = time.monotonic()
        try:
            # the library's timeout is for one read: a server that sends a blank line now and then never meets it
            async with asyncio.timeout(self._endpoint.timeout_s):
                # raw: the library itself builds answers out of whatever JSON it gets
                raw = await self._api.chat.completions.with_raw_response.create(
                    model=sent.pop("model"), messages=sent.pop("messages"), extra_body=sent
                )
                content = raw.http_response.content
            reply = read_reply(content, self._form)
        except (openai.APIError, MalformedResponse, TimeoutError) as error:
            raise fault_of(error, self._endpoint, self._teacher.model, self._key) from None
        self._answered += 1
        self._lost_in_a_row = 0
        self._limiter.observe(question, reply.prompt_tokens)
        return Answered(reply, reply.finish_reason, time.monotonic() - started)

    def _wait(self, state: RetryCallState) -> float:
        own, asked_for = self._backoff(state), passing(state).retry_after_s
        # a little on top: one that says 0 is not asked in a tight loop, and those who waited don't come all at once
        return own if asked_for is None else asked_for + own / 10

    def _before_sleep(self, state: RetryCallState) -> None:
        error = passing(state)
        self.tries_lost[error.kind] += 1
        if error.retry_after_s is not None:
            # it asks all of us, not the one request that met its limit
            self._limiter.back_off(error.retry_after_s)
        self._note(f"{error}; asked again in {state.upcoming_sleep:.1f} s")

    def _lost(self, error: TransientError) -> Answered:
        """Return the failed answer of a question given up; an endpoint that loses all of them is down."""
        self.tries_lost[error.kind] += 1
        # an answer without text shows that the endpoint is well
        self._lost_in_a_row += error.kind != "empty"
        self._down = (
            f"{error}, the last of several questions given up after {self._endpoint.max_attempts} tries or "
            f"{self._endpoint.patience_s:g} s. Answers that came are stored: run again once it answers, or see that "
            f"{self._endpoint.address} is the address of chat completions."
        )
        if self._lost_in_a_row >= _MOST_LOST_IN_A_ROW:
            raise ServiceUnavailable(self._down)
        self._note(f"a prompt was given up: {error}")
        return Answered(None, f"error:{error.kind}", 0.0)

    def _note(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_S
            self._log(text)


class StopAfter:
    """When a question is given up: after so many lost tries, or when the next would come after one's patience.

    Tries that met a rate limit don't count: waiting for one's turn says nothing about the question. Patience counts
    from the first lost try, so that a turn awaited under the recipe's own limits is none of it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lost = 0
        self._since = 0.0

    def __call__(self, state: RetryCallState) -> bool:
        """Return whether no further try is made."""
        error, now = passing(state), time.monotonic()
        self._since = self._since or now
        self._lost += error.kind != "rate_limit"
        waited = now - self._since + (error.retry_after_s or 0.0)
        return self._lost >= self._endpoint.max_attempts or waited >= self._endpoint.patience_s


def passing(state: RetryCallState) -> TransientError:
    """Return what the last try was lost to."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientError)
    return error


def open_api(endpoint: Endpoint, key: str, transport: httpx2.AsyncBaseTransport | None) -> openai.AsyncOpenAI:
    """Return the library's client for an endpoint, with no retries of its own."""
    api = openai.AsyncOpenAI(
        base_url=endpoint.address,
        api_key=key or "none",
        max_retries=0,  # here it is decided by us: the library forgets a Retry-After of more than two minutes
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
