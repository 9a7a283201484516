"""The calls of a batch API: each that may be repeated is retried if its failure may pass."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx2
import openai
from pydantic import ValidationError
from tenacity import RetryCallState
from tenacity.wait import wait_base

from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.providers.choice import batch_api
from stillhouse.inference.api.batch.state import BatchState, Page
from stillhouse.inference.api.batch.tickets import Ticket
from stillhouse.inference.api.client import open_api
from stillhouse.inference.api.errors import Refused, TransientError, classify_error
from stillhouse.inference.api.request import ApiModel
from stillhouse.inference.api.retry import BACKOFF_S, StopAfter, last_error, retry_policy

T = TypeVar("T")

# a batch whose submission got no response is in the provider's list by then, if it was made
SETTLE_S = 60.0


class TooMuch(Exception):
    """The account takes no batch of this size, or none beside those that are open; `code` is the reason in short."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.num_requests = 0  # of the batch


class BatchClient:
    """An open connection to a batch API."""

    def __init__(
        self,
        model: ApiModel,
        log: Callable[[str], None],
        *,
        backoff: wait_base = BACKOFF_S,
        settle_s: float = SETTLE_S,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the connection; nothing is sent yet."""
        self.settle_s = settle_s
        self.model = model
        self._endpoint = model.endpoint
        self._log = log
        self._backoff = backoff
        self._connection = open_api(model, transport)
        self.api = batch_api(self._connection, model)

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def upload(self, path: Path) -> str:
        """Upload the file of requests at `path` and return the provider's id of it; this costs nothing.

        Raises:
            TooMuch: the file is larger than the provider takes.
        """
        file = await self.with_retries(lambda: self._called(lambda: self.api.upload(path)))
        while not file.is_checked:
            await asyncio.sleep(min(5.0, self._endpoint.batch.poll_s))
            file = await self._fetched(functools.partial(self.api.file, file.id))
        return file.id

    async def create(self, ticket: Ticket, path: Path) -> BatchState:
        """Make the ticket's batch, by one call: its failure does not say that there is none.

        Raises:
            TransientError: it may pass.
            ServiceError: the provider refuses it.
            TooMuch: it is larger than the provider takes.
        """
        # transfers of requests take as long as they take
        timeout_s = self._endpoint.timeout_s if ticket.input_file else None
        return await self._called(lambda: self.api.create(ticket, path), timeout_s)

    async def page(self, cursor: str) -> Page:
        """Return a page of the list of batches."""
        return await self._fetched(lambda: self.api.page(cursor))

    async def state(self, batch: str) -> BatchState | None:
        """Return the state of a batch; None if the provider knows no batch by this id."""
        try:
            return await self._fetched(lambda: self.api.state(batch))
        except ServiceError as error:
            if not _is_not_found(error):
                raise
            return None

    async def download(self, result: str, path: Path) -> bool:
        """Write results to `path`, whole; False if the provider no longer has them."""
        try:
            await self.with_retries(lambda: self._called(lambda: self.api.download(result, path)))
        except ServiceError as error:
            if not _is_not_found(error):
                raise
            return False
        return True

    async def delete(self, name: str) -> bool:
        """Delete what a batch left at the provider, without a second try; False if that failed."""
        try:
            await self._called(lambda: self.api.delete(name), self._endpoint.timeout_s)
        except (ServiceError, TransientError) as error:
            return isinstance(error, ServiceError) and _is_not_found(error)
        return True

    async def with_retries(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` does, tried again after a TransientError for as long as the recipe has patience.

        Raises:
            ServiceUnavailable: it failed for so long.
        """

        def log_failure(state: RetryCallState) -> None:
            self._log(f"{last_error(state)}; retried in {state.upcoming_sleep:.1f} s")

        async def once() -> T:
            return await attempt()  # tenacity would not await what a lambda returns

        began = time.monotonic()
        # no prompt is the reason why such a call fails: it is tried again by the clock alone
        stop = StopAfter(self.model, outage_s=lambda _: time.monotonic() - began)
        try:
            return await retry_policy(stop, self._backoff, log_failure)(once)
        except TransientError as error:
            raise ServiceUnavailable(
                f"{error}, and so for {self._endpoint.patience_s:g} s. "
                "Batches that were submitted go on; run again once it answers, and their completions are collected."
            ) from None

    async def _fetched(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a call that may be repeated."""
        return await self.with_retries(lambda: self._called(call, self._endpoint.timeout_s))

    async def _called(self, call: Callable[[], Awaitable[T]], timeout_s: float | None = None) -> T:
        """Return the answer to one call, with its errors classified."""
        endpoint = self._endpoint
        try:
            async with asyncio.timeout(timeout_s):
                return await call()
        except ValidationError:
            message = f"{endpoint.provider} sent an unreadable response to a batch call"
            raise TransientError("body", message) from None
        except openai.NotFoundError as error:
            raise ServiceError(
                f"{endpoint.provider} ({endpoint.address}) answered 404: it has no batch API there, or not for this "
                "key or model. Set endpoint.execution to realtime, or check endpoint.base_url."
            ) from error
        except (openai.APIError, TimeoutError) as error:
            meaning = classify_error(error, self.model)
            if isinstance(error, openai.APIStatusError) and error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise TooMuch("file_too_large", str(meaning)) from None
            # a call of the batch API holds no prompt: a filter's refusal is one of the call itself
            raise (ServiceError(str(meaning)) if isinstance(meaning, Refused) else meaning) from None
        except httpx2.TransportError as error:
            # a streamed body that breaks off
            raise TransientError("connection", f"{endpoint.provider} broke off ({type(error).__name__})") from None


def _is_not_found(error: ServiceError) -> bool:
    """Return whether the provider answered 404."""
    return isinstance(error.__cause__, openai.NotFoundError)
