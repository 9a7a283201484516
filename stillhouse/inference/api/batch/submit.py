"""Submits one batch, with its ticket in the store before the provider is asked for it.

It is the one place where money is spent, and no kill may break the order of its steps: the file of
requests is uploaded (which costs nothing), the ticket is written, the batch is made, its id is written.
"""

import tempfile
import time
import uuid
from collections import deque
from pathlib import Path

from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.request_file import take_requests
from stillhouse.inference.api.batch.tickets import Ticket, Tickets
from stillhouse.inference.api.request import ChatRequest, num_logprobs


async def submit_next(waiting: deque[ChatRequest], client: BatchClient, tickets: Tickets, most_requests: int) -> Ticket:
    """Take the first of `waiting` that fit into one batch, submit it, and return its ticket.

    Raises:
        ServiceError: the provider refuses it; there is no batch then.
        ServiceUnavailable: it is not known whether there is one; the next run finds out.
    """
    model = client.model
    with tempfile.TemporaryDirectory(prefix="stillhouse-batch-") as folder:
        path = Path(folder) / "requests.jsonl"
        requests = take_requests(waiting, model, path, most_requests)
        input_file = await client.upload(path)
    ticket = Ticket(
        name=uuid.uuid4().hex,
        written=time.time(),
        teacher=tickets.teacher,
        address=model.endpoint.address,
        input_file=input_file,
        is_wrapped=model.form.is_wrapped,
        logprobs=num_logprobs(model.teacher),
        keys=tuple(request.key for request in requests),
    )
    submitted = ticket.model_copy(update={"batch": await _submit(ticket, client, tickets)})
    await tickets.write(submitted)
    return submitted


async def _submit(ticket: Ticket, client: BatchClient, tickets: Tickets) -> str:
    async def announce() -> None:
        await tickets.announce(ticket)

    metadata = {"stillhouse_ticket": ticket.name, "stillhouse_teacher": ticket.teacher}
    try:
        return await client.submit(ticket.input_file, metadata, announce)
    except ServiceUnavailable:
        # the last call may have been heard: the ticket stays
        raise
    except ServiceError:
        await tickets.delete(ticket)
        raise
