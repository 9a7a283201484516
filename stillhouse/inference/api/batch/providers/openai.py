"""OpenAI's batches, which Azure and some servers have too: files of requests, and batches made of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import openai
from pydantic import AfterValidator, BaseModel

from stillhouse.inference.api.batch.line import Line
from stillhouse.inference.api.batch.state import BatchError, BatchState, File, Page
from stillhouse.inference.api.batch.tickets import Ticket

PATH: Final = "/v1/chat/completions"  # OpenAI's name for it, whatever the server's own path is
_PAGE_SIZE = 100
_BEING_CHECKED = ("pending", "running", "uploading")


class _File(BaseModel):
    id: str
    status: str = "processed"

    def general(self) -> File:
        return File(id=self.id, is_checked=self.status not in _BEING_CHECKED)


class _Counts(BaseModel):
    completed: int = 0
    failed: int = 0
    total: int = 0


class _Errors(BaseModel):
    data: list[BatchError] | None = None


class _Batch(BaseModel):
    id: str
    status: Annotated[str, AfterValidator(str.lower)]
    input_file_id: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: _Counts | None = None
    errors: _Errors | None = None

    def general(self) -> BatchState:
        counts = self.request_counts or _Counts()
        return BatchState(
            id=self.id,
            status=self.status,
            input_file=self.input_file_id,
            results=tuple(filter(None, (self.output_file_id, self.error_file_id))),
            num_done=counts.completed + counts.failed,
            num_requests=counts.total,
            reasons=tuple((self.errors.data if self.errors else None) or ()),
        )


class _Page(BaseModel):
    data: list[_Batch]
    has_more: bool = False


class OpenAIFiles:
    """Files as OpenAI has them, and lines of results."""

    names_tickets = True
    when_kept = "delete them there"

    def __init__(self, api: openai.AsyncOpenAI) -> None:
        """`api` is the open connection."""
        self._files = api.files

    async def upload(self, path: Path) -> File:
        """Upload a file of request lines."""
        with path.open("rb") as stream:
            raw = await self._files.with_raw_response.create(file=(path.name, stream), purpose="batch")
        return _File.model_validate_json(raw.http_response.content).general()

    async def file(self, file: str) -> File:
        """Show an uploaded file."""
        raw = await self._files.with_raw_response.retrieve(file)
        return _File.model_validate_json(raw.http_response.content).general()

    async def download(self, result: str, path: Path) -> None:
        """Write a file of results to `path`."""
        async with self._files.with_streaming_response.content(result) as response:
            await response.stream_to_file(path)

    async def delete(self, name: str) -> None:
        """Delete a file."""
        await self._files.delete(name)

    def read_line(self, text: bytes) -> Line:
        """Return what became of one request."""
        return Line.model_validate_json(text)

    def may_be_of(self, state: BatchState, ticket: Ticket) -> bool:
        """Return whether the batch was made of the ticket's file, which no two tickets share."""
        return state.input_file == ticket.input_file

    def left_behind(self, ticket: Ticket, state: BatchState | None) -> tuple[str, ...]:
        """Return the files of requests and of results."""
        return (ticket.input_file, *(state.results if state else ()))


class OpenAIBatches(OpenAIFiles):
    """OpenAI's and Azure's batches."""

    def __init__(self, api: openai.AsyncOpenAI) -> None:
        """`api` is the open connection."""
        super().__init__(api)
        self._batches = api.batches.with_raw_response

    def request_line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return the line of one request."""
        return as_line({"custom_id": key, "method": "POST", "url": PATH, "body": body})

    async def create(self, ticket: Ticket, path: Path) -> BatchState:
        """Make a batch of the ticket's file."""
        raw = await self._batches.create(
            input_file_id=ticket.input_file, endpoint=PATH, completion_window="24h", metadata=metadata_of(ticket)
        )
        return _Batch.model_validate_json(raw.http_response.content).general()

    async def state(self, batch: str) -> BatchState:
        """Show a batch."""
        raw = await self._batches.retrieve(batch)
        return _Batch.model_validate_json(raw.http_response.content).general()

    async def page(self, cursor: str) -> Page:
        """List batches, newest first: those that follow the batch `cursor`."""
        after: Any = {"after": cursor} if cursor else {}
        raw = await self._batches.list(limit=_PAGE_SIZE, **after)
        page = _Page.model_validate_json(raw.http_response.content)
        is_last = not (page.has_more and page.data)
        return Page(batches=[batch.general() for batch in page.data], next="" if is_last else page.data[-1].id)


def as_line(value: Mapping[str, Any]) -> bytes:
    """Return `value` as one line of JSON, its end included."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def metadata_of(ticket: Ticket) -> dict[str, str]:
    """Return what a provider shows beside the batch."""
    return {"stillhouse_ticket": ticket.name, "stillhouse_teacher": ticket.teacher}
