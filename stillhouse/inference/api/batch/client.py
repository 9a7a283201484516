"""The calls of a batch API, each tried again where that may help, and the one that costs money made only once.

Separate because it knows how a provider's API fails, and nothing of prompts and answers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx2
import openai
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_base

from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.request_file import PATH
from stillhouse.inference.api.client import BACKOFF_S, StopAfter, open_api, passing
from stillhouse.inference.api.errors import ContentFiltered, TransientError, fault_of
from stillhouse.recipe.endpoint import Endpoint

T = TypeVar("T")
_Read = TypeVar("_Read", bound=BaseModel)

ENDED = ("completed", "failed", "expired", "cancelled")
# a batch that was accepted stands in the provider's list by then, though the answer to its submission was lost
SETTLE_S = 60.0
# files that some providers look through first may not be used before
_LOOKED_THROUGH = ("pending", "running", "uploading")


class _Received(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _File(_Received):
    id: str
    status: str = "processed"


class Counts(_Received):
    """Requests of a batch."""

    completed: int = 0
    failed: int = 0
    total: int = 0


class _Error(_Received):
    code: str | None = None
    message: str | None = None
    line: int | None = None


class _Errors(_Received):
    data: list[_Error] | None = None


class State(_Received):
    """A batch as the provider reports it."""

    id: str
    status: Annotated[str, AfterValidator(str.lower)]  # one of ENDED, or under way
    input_file_id: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: Counts | None = None
    errors: _Errors | None = None

    @property
    def num_done(self) -> int:
        """Requests that have an outcome."""
        return self.request_counts.completed + self.request_counts.failed if self.request_counts else 0

    @property
    def reasons(self) -> list[_Error]:
        """Why it failed as a whole."""
        return (self.errors.data if self.errors else None) or []


class _Page(_Received):
    data: list[State]
    has_more: bool = False


class BatchService:
    """An open connection to a batch API."""

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        key: str,
        log: Callable[[str], None],
        *,
        backoff: wait_base = BACKOFF_S,
        settle_s: float = SETTLE_S,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Remember whom to call; nothing is sent yet."""
        self.settle_s = settle_s
        self._endpoint = endpoint
        self._model = model
        self._key = key
        self._log = log
        self._backoff = backoff
        self._api = open_api(endpoint, key, transport)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def upload(self, path: Path) -> str:
        """Return the provider's id of the requests' file at `path`; it costs nothing until a batch is made of it."""

        async def send() -> bytes:
            with path.open("rb") as file:
                raw = await self._api.files.with_raw_response.create(file=(path.name, file), purpose="batch")
            return raw.http_response.content

        async def look() -> bytes:
            return (await self._api.files.with_raw_response.retrieve(found.id)).http_response.content

        found = await self._patiently(lambda: self._called(_File, send, None))
        while found.status in _LOOKED_THROUGH:
            await asyncio.sleep(min(5.0, self._endpoint.batch.poll_s))
            found = await self._patiently(lambda: self._called(_File, look, self._endpoint.timeout_s))
        return found.id

    async def submit(self, input_file: str, metadata: dict[str, str], announce: Callable[[], Awaitable[None]]) -> str:
        """Make a batch of the file and return its id; `announce` is awaited just before each call.

        A call whose answer was lost may have been heard: before it is made again, the batch is looked for.
        """
        was_heard = False

        async def send() -> bytes:
            raw = await self._api.batches.with_raw_response.create(
                input_file_id=input_file, endpoint=PATH, completion_window="24h", metadata=metadata
            )
            return raw.http_response.content

        async def attempt() -> str:
            nonlocal was_heard
            if was_heard:
                await asyncio.sleep(self.settle_s)
                if found := await self.batches_of({input_file}):
                    return found[input_file]
            await announce()
            try:
                return (await self._called(State, send, self._endpoint.timeout_s)).id
            except TransientError as error:
                was_heard = error.kind != "rate_limit"
                raise

        return await self._patiently(attempt)

    async def batches_of(self, input_files: set[str]) -> dict[str, str]:
        """Return the id of the batch that was made of each of these files, as far as there is one."""
        found: dict[str, str] = {}
        after: str | None = None
        while len(found) < len(input_files):
            page = await self._page(after)
            found |= {state.input_file_id: state.id for state in page.data if state.input_file_id in input_files}
            if not page.has_more or not page.data:
                break
            after = page.data[-1].id
        return found

    async def _page(self, after: str | None) -> _Page:
        async def send() -> bytes:
            place: Any = {"after": after} if after else {}
            return (await self._api.batches.with_raw_response.list(limit=100, **place)).http_response.content

        return await self._patiently(lambda: self._called(_Page, send, self._endpoint.timeout_s))

    async def state(self, batch: str) -> State | None:
        """Return how a batch stands; None where the provider knows none by this id."""

        async def send() -> bytes:
            try:
                return (await self._api.batches.with_raw_response.retrieve(batch)).http_response.content
            except openai.NotFoundError:
                return b""

        async def attempt() -> State | None:
            content = await self._judged(send, self._endpoint.timeout_s)
            return self._read(State, content) if content else None

        return await self._patiently(attempt)

    async def download(self, file: str, path: Path) -> bool:
        """Write a file of results to `path`, whole; False where the provider has it no more."""

        async def receive() -> bool:
            try:
                async with self._api.files.with_streaming_response.content(file) as answer:
                    await answer.stream_to_file(path)
            except openai.NotFoundError:
                return False
            return True

        return await self._patiently(lambda: self._judged(receive))

    async def _called(self, model: type[_Read], send: Callable[[], Awaitable[bytes]], timeout_s: float | None) -> _Read:
        return self._read(model, await self._judged(send, timeout_s))

    async def _judged(self, send: Callable[[], Awaitable[T]], timeout_s: float | None = None) -> T:
        """Return what `send` does; its errors as what they mean. No `timeout_s` is for what takes as long as it is."""
        endpoint = self._endpoint
        try:
            async with asyncio.timeout(timeout_s):
                return await send()
        except openai.NotFoundError:
            raise ServiceError(
                f"{endpoint.provider} ({endpoint.address}) answered 404: it has no batch API there, or not for this "
                "key. Set endpoint.execution to realtime, or check endpoint.base_url."
            ) from None
        except (openai.APIError, TimeoutError) as error:
            raise _raised(fault_of(error, endpoint, self._model, self._key)) from None
        except httpx2.TransportError as error:
            # a streamed body that breaks off
            raise TransientError("connection", f"{endpoint.provider} broke off ({type(error).__name__})") from None

    def _read(self, model: type[_Read], content: bytes) -> _Read:
        try:
            return model.model_validate_json(content)
        except ValidationError:
            what = model.__name__.strip("_").lower()
            raise TransientError("body", f"{self._endpoint.provider} sent what is no {what} of a batch API") from None

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=self._wait,
            stop=StopAfter(self._endpoint),
            before_sleep=lambda state: self._log(f"{passing(state)}; tried again in {state.upcoming_sleep:.1f} s"),
            reraise=True,
        )

        async def once() -> T:
            # told apart by tenacity: it would not await what a lambda returns
            return await attempt()

        try:
            return await retrying(once)
        except TransientError as error:
            raise ServiceUnavailable(
                f"{error}, and again after {self._endpoint.max_attempts} tries or {self._endpoint.patience_s:g} s. "
                "Batches that were submitted go on; run again once it answers, and their answers are collected."
            ) from None

    def _wait(self, state: RetryCallState) -> float:
        own, asked_for = self._backoff(state), passing(state).retry_after_s
        return own if asked_for is None else asked_for + own / 10


def _raised(fault: TransientError | ContentFiltered | ServiceError) -> TransientError | ServiceError:
    return ServiceError(str(fault)) if isinstance(fault, ContentFiltered) else fault
