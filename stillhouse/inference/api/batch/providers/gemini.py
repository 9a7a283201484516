"""Gemini's batches: files of requests, and batches that are long-running operations.

Single requests go to its OpenAI-compatible address, which ends in /openai; batches go to the API above it.
Source: ai.google.dev/gemini-api/docs/batch-api and ai.google.dev/api/batch-api, api/files (November 2026).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openai
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from stillhouse.inference.api.batch.line import Line
from stillhouse.inference.api.batch.providers.gemini_form import as_request, read_result
from stillhouse.inference.api.batch.providers.openai import as_line
from stillhouse.inference.api.batch.providers.wire import Wire, chunks_of
from stillhouse.inference.api.batch.state import BatchError, BatchState, File, Page
from stillhouse.inference.api.batch.tickets import Ticket
from stillhouse.inference.api.request import ApiModel
from stillhouse.inference.api.trust import check_secrets_may_go_to

_PAGE_SIZE = 100
_STATUSES = {"SUCCEEDED": "completed", "FAILED": "failed", "CANCELLED": "cancelled", "EXPIRED": "expired"}
_EXHAUSTED = 8  # google.rpc.Code: the account's limit
_NAMED = "stillhouse "  # what a batch's name begins with; the name of its file follows


class _Received(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _File(_Received):
    name: str
    state: str = "ACTIVE"

    def general(self) -> File:
        return File(id=self.name, is_checked=self.state != "PROCESSING")


class _Place(_Received):
    url: str = Field(min_length=1)


class _Uploaded(_Received):
    file: _File


class _Stats(_Received):
    request_count: int = 0
    successful_request_count: int = 0
    failed_request_count: int = 0


class _Output(_Received):
    responses_file: str = ""


class _Metadata(_Received):
    state: str = ""
    display_name: str = ""
    batch_stats: _Stats = _Stats()
    output: _Output | None = None


class _Status(_Received):
    code: int = 0
    message: str = ""

    def general(self) -> BatchError:
        return BatchError(code="resource_exhausted" if self.code == _EXHAUSTED else None, message=self.message or None)


class _Operation(_Received):
    name: str
    metadata: _Metadata = _Metadata()
    response: _Output | None = None
    error: _Status | None = None

    def general(self) -> BatchState:
        told, stats = self.metadata, self.metadata.batch_stats
        # BATCH_STATE_SUCCEEDED, or JOB_STATE_SUCCEEDED
        status = _STATUSES.get(told.state.rpartition("_STATE_")[2], "in_progress")
        outputs = (output.responses_file for output in (self.response, told.output) if output)
        results = tuple(filter(None, outputs))[:1]
        return BatchState(
            id=self.name,
            # one with results was begun: what was answered is paid for
            status="expired" if status == "failed" and results else status,
            input_file=told.display_name.removeprefix(_NAMED),
            results=results,
            num_done=stats.successful_request_count + stats.failed_request_count,
            num_requests=stats.request_count,
            reasons=(self.error.general(),) if self.error else (),
        )


class _Page(_Received):
    operations: list[_Operation] = []
    next_page_token: str = ""


class GeminiBatches:
    """Gemini's batches."""

    names_tickets = True
    # its names of results are longer than it lets anybody delete (googleapis/python-genai issue 1759)
    when_kept = "it drops them by itself within 48 hours"

    def __init__(self, api: openai.AsyncOpenAI, model: ApiModel) -> None:
        """`api` is the open connection."""
        self._wire = Wire(api, {"x-goog-api-key": model.api_key})
        self._endpoint = model.endpoint
        self._address = model.endpoint.address.removesuffix("/openai")
        name = model.teacher.model
        self._model = name if "/" in name else f"models/{name}"

    def request_line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return the line of one request."""
        return as_line({"key": key, "request": as_request(body)})

    def read_line(self, text: bytes) -> Line:
        """Return what became of one request."""
        return read_result(text)

    async def upload(self, path: Path) -> File:
        """Upload a file of request lines, to where the provider says."""
        size = str(path.stat().st_size)
        kind = {"X-Goog-Upload-Header-Content-Length": size, "X-Goog-Upload-Header-Content-Type": "application/jsonl"}
        start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start", **kind}
        response = await self._wire.post(self._beside("upload", "files"), {"file": {"displayName": path.name}}, start)
        place = _Place.model_validate({"url": response.headers.get("x-goog-upload-url")}).url
        check_secrets_may_go_to(self._endpoint, place, os.environ)
        whole = {"X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize", "Content-Length": size}
        headers = {**whole, "Content-Type": "application/jsonl"}
        return _Uploaded.model_validate_json(await self._wire.send(place, chunks_of(path), headers)).file.general()

    async def file(self, file: str) -> File:
        """Show an uploaded file."""
        return _File.model_validate_json(await self._wire.get(f"{self._address}/{file}")).general()

    async def create(self, ticket: Ticket, path: Path) -> BatchState:
        """Make a batch of the ticket's file."""
        named = {"displayName": f"{_NAMED}{ticket.input_file}"}
        body = {"batch": {**named, "inputConfig": {"fileName": ticket.input_file}}}
        response = await self._wire.post(f"{self._address}/{self._model}:batchGenerateContent", body)
        return _Operation.model_validate_json(response.content).general()

    async def state(self, batch: str) -> BatchState:
        """Show a batch."""
        return _Operation.model_validate_json(await self._wire.get(f"{self._address}/{batch}")).general()

    async def page(self, cursor: str) -> Page:
        """List batches: the page that the token `cursor` stands for."""
        query = {"pageSize": _PAGE_SIZE} | ({"pageToken": cursor} if cursor else {})
        page = _Page.model_validate_json(await self._wire.get(f"{self._address}/batches", query))
        return Page(batches=[operation.general() for operation in page.operations], next=page.next_page_token)

    def may_be_of(self, state: BatchState, ticket: Ticket) -> bool:
        """Return whether the batch was named by the ticket's file, which no two tickets share."""
        return state.input_file == ticket.input_file

    async def download(self, result: str, path: Path) -> None:
        """Write a file of results to `path`."""
        await self._wire.save(self._beside("download", f"{result}:download"), path, {"alt": "media"})

    def left_behind(self, ticket: Ticket, state: BatchState | None) -> tuple[str, ...]:
        """Return the files of requests and of results, and then the batch."""
        return (ticket.input_file, *((*state.results, state.id) if state else ()))

    async def delete(self, name: str) -> None:
        """Delete a file or a batch."""
        await self._wire.delete(f"{self._address}/{name}")

    def _beside(self, service: str, path: str) -> str:
        """Return the address of `path` where files are moved: /v1beta/files is at /upload/v1beta/files too."""
        host, _, version = self._address.rpartition("/")
        return f"{host}/{service}/{version}/{path}"
