"""The calls of a batch API: each is retried if the failure may pass, and the one that costs money is made only once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import openai
from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState
from tenacity.wait import wait_base

from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.calls import batch_calls
from stillhouse.inference.api.batch.state import BatchState, File, Page
from stillhouse.inference.api.client import open_api
from stillhouse.inference.api.errors import Refused, TransientError, classify_error
from stillhouse.inference.api.request import ApiModel
from stillhouse.inference.api.retry import BACKOFF_S, StopAfter, last_error, retry_policy

T = TypeVar("T")
Received = TypeVar("Received", bound=BaseModel)

# a batch whose submission got no response is in the provider's list by then, if it was made
SETTLE_S = 60.0
# some providers check a file first; until then it can't be used
_BEING_CHECKED = ("pending", "running", "uploading")


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
        self._api = open_api(model, transport)
        self._calls = batch_calls(self._api, model)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def upload(self, path: Path) -> str:
        """Upload the file of requests at `path` and return the provider's id of it; this costs nothing."""
        files = self._api.files.with_raw_response

        async def send() -> Any:
            with path.open("rb") as stream:
                return await files.create(file=(path.name, stream), purpose="batch")

        file = await self._with_retries(lambda: self._call(File, send, None))
        while file.status in _BEING_CHECKED:
            await asyncio.sleep(min(5.0, self._endpoint.batch.poll_s))
            file = await self._fetch(File, files.retrieve, file.id)
        return file.id

    async def submit(self, input_file: str, metadata: dict[str, str], announce: Callable[[], Awaitable[None]]) -> str:
        """Make a batch of the file and return its id; `announce` is awaited just before each call.

        A call without a response may have made the batch: the batch is looked for before the call is repeated.
        """
        may_exist = False

        def send() -> Awaitable[Any]:
            return self._calls.create(input_file, metadata)

        async def attempt() -> str:
            nonlocal may_exist
            if may_exist:
                await asyncio.sleep(self.settle_s)
                if batches := await self.batches_of({input_file}):
                    return batches[input_file]
            await announce()
            try:
                return (await self._call(BatchState, send, self._endpoint.timeout_s)).id
            except TransientError as error:
                may_exist = error.kind != "rate_limit"
                raise

        return await self._with_retries(attempt)

    async def batches_of(self, input_files: set[str]) -> dict[str, str]:
        """Return the ids of the batches that were made of these files, by file; a file without a batch is left out."""
        batches: dict[str, str] = {}
        after: str | None = None
        number = num_seen = 0
        while len(batches) < len(input_files):
            page = await self._fetch(Page, self._calls.list, number, after)
            batches |= {state.input_file_id: state.id for state in page.data if state.input_file_id in input_files}
            num_seen += len(page.data)
            if not page.data or not (page.has_more or num_seen < page.total):
                break
            after, number = page.data[-1].id, number + 1
        return batches

    async def state(self, batch: str) -> BatchState | None:
        """Return the state of a batch; None if the provider knows no batch by this id."""
        try:
            return await self._fetch(BatchState, self._calls.retrieve, batch)
        except ServiceError as error:
            if not _is_not_found(error):
                raise
            return None

    async def download(self, file: str, path: Path) -> bool:
        """Write a file of results to `path`, whole; False if the provider no longer has it."""

        async def receive() -> None:
            async with self._api.files.with_streaming_response.content(file) as response:
                await response.stream_to_file(path)

        try:
            await self._with_retries(lambda: self._classified(receive))
        except ServiceError as error:
            if not _is_not_found(error):
                raise
            return False
        return True

    async def delete(self, file: str) -> bool:
        """Delete a file at the provider, without a second try; False if that failed."""
        try:
            await self._classified(lambda: self._api.files.delete(file), self._endpoint.timeout_s)
        except (ServiceError, TransientError) as error:
            return isinstance(error, ServiceError) and _is_not_found(error)
        return True

    async def _fetch(
        self, kind: type[Received], call: Callable[..., Awaitable[Any]], *given: Any, **more: Any
    ) -> Received:
        """Return the response of a call that may be repeated, read as `kind`."""
        return await self._with_retries(
            lambda: self._call(kind, lambda: call(*given, **more), self._endpoint.timeout_s)
        )

    async def _call(
        self, kind: type[Received], send: Callable[[], Awaitable[Any]], timeout_s: float | None
    ) -> Received:
        """Return the response of one call, read as `kind`; transfers of files have no `timeout_s`."""
        raw = await self._classified(send, timeout_s)
        try:
            return kind.model_validate_json(raw.http_response.content)
        except ValidationError:
            message = f"{self._endpoint.provider} sent an unreadable response to a batch call"
            raise TransientError("body", message) from None

    async def _classified(self, send: Callable[[], Awaitable[T]], timeout_s: float | None = None) -> T:
        """Return what `send` does, with its errors classified."""
        endpoint = self._endpoint
        try:
            async with asyncio.timeout(timeout_s):
                return await send()
        except openai.NotFoundError as error:
            raise ServiceError(
                f"{endpoint.provider} ({endpoint.address}) answered 404: it has no batch API there, or not for this "
                "key. Set endpoint.execution to realtime, or check endpoint.base_url."
            ) from error
        except (openai.APIError, TimeoutError) as error:
            meaning = classify_error(error, self.model)
            # a call of the batch API holds no prompt: a filter's refusal is one of the call itself
            raise (ServiceError(str(meaning)) if isinstance(meaning, Refused) else meaning) from None
        except httpx2.TransportError as error:
            # a streamed body that breaks off
            raise TransientError("connection", f"{endpoint.provider} broke off ({type(error).__name__})") from None

    async def _with_retries(self, attempt: Callable[[], Awaitable[T]]) -> T:
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


def _is_not_found(error: ServiceError) -> bool:
    """Return whether the provider answered 404."""
    return isinstance(error.__cause__, openai.NotFoundError)
