"""What every kind of batch API can do; each module beside this one is a provider's.

The methods raise what the libraries raise, and pydantic's ValidationError for an answer that can't be read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from stillhouse.inference.api.batch.line import Line
from stillhouse.inference.api.batch.state import BatchState, File, Page
from stillhouse.inference.api.batch.tickets import Ticket


class BatchApi(Protocol):
    """One kind of batch API."""

    # whether a batch in the list says which ticket it was made for. If not, only its results tell
    names_tickets: bool
    # what becomes of that which can't be deleted
    when_kept: str

    def request_line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return the line of one request, its end included; `body` is that of a single request, in OpenAI's form."""

    def read_line(self, text: bytes) -> Line:
        """Return what became of one request, read from a line of results."""

    async def upload(self, path: Path) -> File:
        """Upload a file of request lines; this costs nothing."""

    async def file(self, file: str) -> File:
        """Show an uploaded file."""

    async def create(self, ticket: Ticket, path: Path) -> BatchState:
        """Make a batch of the ticket's file, which is also at `path`: this is what costs money."""

    async def state(self, batch: str) -> BatchState:
        """Show a batch."""

    async def page(self, cursor: str) -> Page:
        """List batches, newest first: the first page for an empty `cursor`, else the one that `Page.next` named."""

    def may_be_of(self, state: BatchState, ticket: Ticket) -> bool:
        """Return whether a batch of the list is the ticket's, as far as the list tells."""

    async def download(self, result: str, path: Path) -> None:
        """Write one of `BatchState.results` to `path`, whole."""

    def left_behind(self, ticket: Ticket, state: BatchState | None) -> tuple[str, ...]:
        """Return what lies at the provider because of a ticket; `state` is None if there is no batch."""

    async def delete(self, name: str) -> None:
        """Delete one of what is left behind."""
