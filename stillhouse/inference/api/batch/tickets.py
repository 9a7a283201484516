"""Tickets: one small file in the store for each batch that is or may be submitted and is not collected yet.

A batch is paid for whether or not its run lives to see its end. A ticket is written before its batch
is submitted and deleted after the batch's completions are stored, so no kill leaves a batch that nobody knows of.
"""

import asyncio
import time
from collections.abc import Iterable

from pydantic import ValidationError

from stillhouse.artifacts.files import FileStore
from stillhouse.config import StrictModel
from stillhouse.errors import StoreError


class Ticket(StrictModel):
    """One batch."""

    name: str
    teacher: str  # its fingerprint
    address: str
    input_file: str  # the provider's id of the requests' file, which no two batches share; empty if it has no files
    written: float  # UNIX time, just before the batch was submitted
    batch: str = ""  # the provider's id; empty while it is not known whether there is one
    is_guessed: bool = False  # the list alone says that the batch is this ticket's: its results must show it
    not_its: tuple[str, ...] = ()  # batches whose results showed that they are not this ticket's
    is_wrapped: bool  # as in the completions' form
    logprobs: int  # requested a token
    keys: tuple[str, ...]

    @property
    def path(self) -> str:
        """The ticket's path in the store."""
        return f"{folder(self.teacher)}/{self.name}.json"


def folder(teacher_fingerprint: str) -> str:
    """Return the folder of a teacher's tickets in the store."""
    return f"work/batches/{teacher_fingerprint}"


class Tickets:
    """The tickets of one teacher. Calls run in threads: while a store is slow, a signal is still heard."""

    def __init__(self, store: FileStore, teacher_fingerprint: str) -> None:
        self.teacher = teacher_fingerprint
        self._store = store

    async def write(self, ticket: Ticket) -> None:
        """Write `ticket`, over an earlier version of it."""
        await asyncio.to_thread(self._store.put_text, ticket.path, ticket.model_dump_json())

    async def announce(self, ticket: Ticket) -> None:
        """Write `ticket` with the present time, since its batch is submitted now."""
        await self.write(ticket.model_copy(update={"written": time.time()}))

    async def delete(self, ticket: Ticket) -> None:
        """Delete `ticket`."""
        await asyncio.to_thread(self._store.delete, ticket.path)

    async def is_open(self, ticket: Ticket) -> bool:
        """Return whether no run has collected the batch of `ticket` yet."""
        return await asyncio.to_thread(self._store.exists, ticket.path)

    async def sure_batches(self) -> set[str]:
        """Return the ids of the batches that belong to a ticket beyond doubt."""
        tickets = await asyncio.to_thread(self._read_all)
        return {ticket.batch for ticket in tickets if ticket.batch and not ticket.is_guessed}

    async def find(self, keys: Iterable[str], logprobs: int) -> list[Ticket]:
        """Return the tickets that hold one of `keys` with at least so many logprobs a token.

        Raises:
            StoreError: the store can't be read, or a ticket is damaged.
        """
        wanted = set(keys)
        tickets = await asyncio.to_thread(self._read_all)
        return [ticket for ticket in tickets if ticket.logprobs >= logprobs and not wanted.isdisjoint(ticket.keys)]

    def _read_all(self) -> list[Ticket]:
        found = [self._read(path) for path in self._store.list(folder(self.teacher))]
        return [ticket for ticket in found if ticket is not None]

    def _read(self, path: str) -> Ticket | None:
        try:
            text = self._store.read_text(path)
        except StoreError:
            if self._store.exists(path):
                raise
            return None  # another run has collected its batch since the folder was listed
        try:
            return Ticket.model_validate_json(text)
        except ValidationError:
            raise StoreError(
                f"{path} in the store is damaged, and stands for a batch that is probably paid for. See in the "
                "provider's list of batches whether one is under way; then delete the file, and its prompts are sent "
                "again."
            ) from None
