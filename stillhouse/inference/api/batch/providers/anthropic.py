"""Anthropic's Message Batches: their requests go along with the batch, and its results are at the batch itself.

Source: platform.claude.com/docs/en/api/messages/batches and build-with-claude/batch-processing (November 2026).
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import openai
from pydantic import BaseModel

from stillhouse.inference.api.batch.line import Line
from stillhouse.inference.api.batch.providers.anthropic_form import as_params, read_result
from stillhouse.inference.api.batch.providers.openai import as_line
from stillhouse.inference.api.batch.providers.wire import Wire, chunks_of
from stillhouse.inference.api.batch.state import BatchState, File, Page
from stillhouse.inference.api.batch.tickets import Ticket
from stillhouse.inference.api.request import ApiModel

_PATH = "/messages/batches"
_VERSION = "2023-06-01"
_PAGE_SIZE = 100
_HEAD, _TAIL = b'{"requests":[', b"]}"
# a batch was made within so long of its ticket's last writing, if it was; clocks differ by less
_MADE_WITHIN_S = 3600.0
_CLOCKS_DIFFER_S = 300.0


class _Counts(BaseModel):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _Batch(BaseModel):
    id: str
    processing_status: str
    request_counts: _Counts = _Counts()
    created_at: datetime

    def general(self) -> BatchState:
        counts = self.request_counts
        num_done = counts.succeeded + counts.errored + counts.canceled + counts.expired
        # of one that ran out of time each request says so itself
        ended = "cancelled" if counts.canceled else "completed"
        return BatchState(
            id=self.id,
            status=ended if self.processing_status == "ended" else self.processing_status,
            # at this address, whatever place `results_url` names: the key goes nowhere else
            results=(f"{_PATH}/{self.id}/results",),
            num_done=num_done,
            num_requests=num_done + counts.processing,
            created=self.created_at.timestamp(),
        )


class _Page(BaseModel):
    data: list[_Batch]
    has_more: bool = False


class AnthropicBatches:
    """Anthropic's batches."""

    names_tickets = False  # they have neither a name nor metadata
    when_kept = "delete them there"

    def __init__(self, api: openai.AsyncOpenAI, model: ApiModel) -> None:
        """`api` is the open connection."""
        self._wire = Wire(api, {"x-api-key": model.api_key, "anthropic-version": _VERSION})

    def request_line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return the line of one request."""
        return as_line({"custom_id": key, "params": as_params(body)})

    def read_line(self, text: bytes) -> Line:
        """Return what became of one request."""
        return read_result(text)

    async def upload(self, path: Path) -> File:
        """Do nothing: requests go along with the batch."""
        return File()

    async def file(self, file: str) -> File:
        """Return that there is nothing to wait for."""
        return File()

    async def create(self, ticket: Ticket, path: Path) -> BatchState:
        """Make a batch of the lines at `path`."""
        # the last line's end has no comma in its place
        size_bytes = len(_HEAD) + path.stat().st_size - 1 + len(_TAIL)
        headers = {"Content-Type": "application/json", "Content-Length": str(size_bytes)}
        return _Batch.model_validate_json(await self._wire.send(_PATH, _wrapped(path), headers)).general()

    async def state(self, batch: str) -> BatchState:
        """Show a batch."""
        return _Batch.model_validate_json(await self._wire.get(f"{_PATH}/{batch}")).general()

    async def page(self, cursor: str) -> Page:
        """List batches, newest first: those that follow the batch `cursor`."""
        query = {"limit": _PAGE_SIZE} | ({"after_id": cursor} if cursor else {})
        page = _Page.model_validate_json(await self._wire.get(_PATH, query))
        is_last = not (page.has_more and page.data)
        return Page(batches=[batch.general() for batch in page.data], next="" if is_last else page.data[-1].id)

    def may_be_of(self, state: BatchState, ticket: Ticket) -> bool:
        """Return whether a batch has as many requests as the ticket and was made at its time."""
        age_s = state.created - ticket.written
        return state.num_requests == len(ticket.keys) and -_CLOCKS_DIFFER_S <= age_s <= _MADE_WITHIN_S

    async def download(self, result: str, path: Path) -> None:
        """Write a batch's results to `path`."""
        await self._wire.save(result, path)

    def left_behind(self, ticket: Ticket, state: BatchState | None) -> tuple[str, ...]:
        """Return the batch, which holds its requests and results."""
        return (state.id,) if state else ()

    async def delete(self, name: str) -> None:
        """Delete a batch with all that it holds."""
        await self._wire.delete(f"{_PATH}/{name}")


async def _wrapped(path: Path) -> AsyncIterator[bytes]:
    """Yield the lines at `path` as the one JSON object that makes a batch."""
    yield _HEAD
    rest = b""
    async for chunk in chunks_of(path):
        lines = (rest + chunk).replace(b"\n", b",")
        yield lines[:-1]
        rest = lines[-1:]  # the last comma of all is dropped
    yield _TAIL
