"""Submits one batch, with its ticket in the store before the provider is asked for it.

It is the one place where money is spent, and no kill may break the order of its steps: the file of
requests is uploaded (which costs nothing), the ticket is written, the batch is made, its id is written.
"""

import asyncio
import tempfile
import time
import uuid
from collections import deque
from pathlib import Path

from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.client import BatchClient, TooMuch
from stillhouse.inference.api.batch.find import find_batches
from stillhouse.inference.api.batch.request_file import take_requests
from stillhouse.inference.api.batch.tickets import Ticket, Tickets
from stillhouse.inference.api.errors import TransientError
from stillhouse.inference.api.request import ChatRequest, num_logprobs

# a rate limit that lasts so many times SETTLE_S is no limit per minute, but one of waiting requests or tokens
_LONG = 2.0


async def submit_next(waiting: deque[ChatRequest], client: BatchClient, tickets: Tickets, most_requests: int) -> Ticket:
    """Take the first of `waiting` that fit into one batch, submit it, and return its ticket.

    Raises:
        TooMuch: the account takes no batch of this size now; its requests wait again. There is no batch then.
        ServiceError: the provider refuses it; there is no batch then.
        ServiceUnavailable: it is not known whether there is one; the next run finds out.
    """
    with tempfile.TemporaryDirectory(prefix="stillhouse-batch-") as folder:
        path = Path(folder) / "requests.jsonl"
        requests = take_requests(waiting, client, path, most_requests)
        try:
            ticket = _new_ticket(requests, await client.upload(path), client, tickets)
            submitted = await _submit(ticket, path, client, tickets)
        except TooMuch as error:
            error.num_requests = len(requests)
            waiting.extendleft(reversed(requests))
            raise
    await tickets.write(submitted)
    return submitted


def _new_ticket(requests: list[ChatRequest], input_file: str, client: BatchClient, tickets: Tickets) -> Ticket:
    model = client.model
    return Ticket(
        name=uuid.uuid4().hex,
        written=time.time(),
        teacher=tickets.teacher,
        address=model.endpoint.address,
        input_file=input_file,
        is_wrapped=model.form.is_wrapped,
        logprobs=num_logprobs(model.teacher),
        keys=tuple(request.key for request in requests),
    )


async def _submit(ticket: Ticket, path: Path, client: BatchClient, tickets: Tickets) -> Ticket:
    try:
        return await client.with_retries(_Submission(ticket, path, client, tickets).attempt)
    except ServiceUnavailable:
        # the last call may have been heard: the ticket stays
        raise
    except (ServiceError, TooMuch):
        await tickets.delete(ticket)
        for name in client.api.left_behind(ticket, None):
            await client.delete(name)
        raise


class _Submission:
    """The calls that make one batch.

    A call without a response may have made it: the batch is looked for before the call is repeated.
    """

    def __init__(self, ticket: Ticket, path: Path, client: BatchClient, tickets: Tickets) -> None:
        self._ticket, self._path, self._client, self._tickets = ticket, path, client, tickets
        self._may_exist = False
        self._limited_since = 0.0

    async def attempt(self) -> Ticket:
        """Return the ticket with its batch."""
        if self._may_exist:
            await asyncio.sleep(self._client.settle_s)
            if found := await find_batches([self._ticket], self._client, self._tickets):
                return found[0]
        await self._tickets.announce(self._ticket)
        try:
            state = await self._client.create(self._ticket, self._path)
        except TransientError as error:
            if self._is_long_limited(error):
                raise TooMuch("quota_exceeded", str(error)) from None
            self._may_exist |= error.kind != "rate_limit"
            raise
        return self._ticket.model_copy(update={"batch": state.id})

    def _is_long_limited(self, error: TransientError) -> bool:
        """Return whether the submission has met nothing but a rate limit for long."""
        now = time.monotonic()
        self._limited_since = (self._limited_since or now) if error.kind == "rate_limit" else 0.0
        return bool(self._limited_since) and now - self._limited_since >= _LONG * self._client.settle_s
