"""Mistral's batches: jobs, which name the model once and take a day at most. Files are as OpenAI has them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import openai
from pydantic import AfterValidator, BaseModel

from stillhouse.inference.api.batch.providers.openai import PATH, OpenAIFiles, as_line, metadata_of
from stillhouse.inference.api.batch.providers.wire import Wire
from stillhouse.inference.api.batch.state import BatchError, BatchState, Page
from stillhouse.inference.api.batch.tickets import Ticket

_PAGE_SIZE = 100
_STATUSES = {"success": "completed", "timeout_exceeded": "expired"}


class _Job(BaseModel):
    id: str
    status: Annotated[str, AfterValidator(str.lower)]
    input_files: list[str] | None = None
    output_file: str | None = None
    error_file: str | None = None
    errors: list[BatchError] | None = None
    succeeded_requests: int | None = None
    failed_requests: int | None = None
    total_requests: int | None = None

    def general(self) -> BatchState:
        # one with results was begun: what was answered is paid for
        is_begun = self.status == "failed" and self.output_file
        return BatchState(
            id=self.id,
            status="expired" if is_begun else _STATUSES.get(self.status, self.status),
            input_file=next(iter(self.input_files or []), ""),
            results=tuple(filter(None, (self.output_file, self.error_file))),
            num_done=(self.succeeded_requests or 0) + (self.failed_requests or 0),
            num_requests=self.total_requests or 0,
            reasons=tuple(self.errors or ()),
        )


class _Page(BaseModel):
    data: list[_Job]
    total: int = 0  # jobs on all pages


class MistralBatches(OpenAIFiles):
    """Mistral's jobs."""

    def __init__(self, api: openai.AsyncOpenAI, model: str) -> None:
        """`api` is the open connection; all requests of a job are to `model`."""
        super().__init__(api)
        self._wire = Wire(api)
        self._model = model

    def request_line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return the line of one request, without the model: the job names it."""
        return as_line({"custom_id": key, "body": {name: value for name, value in body.items() if name != "model"}})

    async def create(self, ticket: Ticket, path: Path) -> BatchState:
        """Make a job of the ticket's file."""
        body = {"input_files": [ticket.input_file], "endpoint": PATH, "model": self._model}
        response = await self._wire.post("/batch/jobs", {**body, "metadata": metadata_of(ticket)})
        return _Job.model_validate_json(response.content).general()

    async def state(self, batch: str) -> BatchState:
        """Show a job."""
        return _Job.model_validate_json(await self._wire.get(f"/batch/jobs/{batch}")).general()

    async def page(self, cursor: str) -> Page:
        """List jobs, newest first: the page with the number `cursor`."""
        number = int(cursor or 0)
        query = {"page": number, "page_size": _PAGE_SIZE}
        page = _Page.model_validate_json(await self._wire.get("/batch/jobs", query))
        # a page may be shorter than was asked for: there is a last one by their number at the latest
        is_last = not page.data or number + 1 >= page.total
        return Page(batches=[job.general() for job in page.data], next="" if is_last else str(number + 1))
