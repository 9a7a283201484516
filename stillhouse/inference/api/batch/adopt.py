"""Takes over the batches of earlier runs: what they bought is not bought again."""

import asyncio
import time
from collections.abc import Callable, Iterable

from stillhouse.inference.api.batch.cleanup import clean_up
from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.find import find_batches
from stillhouse.inference.api.batch.tickets import Ticket, Tickets
from stillhouse.inference.api.request import num_logprobs


async def adopt(keys: Iterable[str], tickets: Tickets, client: BatchClient, log: Callable[[str], None]) -> list[Ticket]:
    """Return the tickets of batches that hold one of `keys`; tickets whose batch was never made are deleted.

    A run that ended while it submitted leaves a ticket without the batch's id. Such a batch is looked for in the
    provider's list, and not before SETTLE_S have passed since it was submitted.
    """
    keys, logprobs = list(keys), num_logprobs(client.model.teacher)
    while True:
        found = await _with_batch_ids(await tickets.find(keys, logprobs), tickets, client)
        lost = [ticket for ticket in found if not ticket.batch]
        youngest = max((ticket.written for ticket in lost), default=0.0)
        rest_s = youngest + client.settle_s - time.time()
        if rest_s <= 0.0:
            break
        log(f"a run ended while it submitted a batch; whether it came to be is known in {rest_s:.0f} s")
        await asyncio.sleep(rest_s)
    for ticket in lost:
        await tickets.delete(ticket)
        await clean_up(client, ticket, None, log)
    adopted = [ticket for ticket in found if ticket.batch]
    for ticket in adopted:
        log(f"batch {ticket.batch} of an earlier run is collected, {len(ticket.keys)} requests")
    return adopted


async def _with_batch_ids(found: list[Ticket], tickets: Tickets, client: BatchClient) -> list[Ticket]:
    """Return the tickets with the ids of those batches that the provider's list has; these are written too."""
    unsure = [ticket for ticket in found if not ticket.batch]
    known = {ticket.name: ticket for ticket in await find_batches(unsure, client, tickets)}
    for ticket in known.values():
        await tickets.write(ticket)
    return [known.get(ticket.name, ticket) for ticket in found]
