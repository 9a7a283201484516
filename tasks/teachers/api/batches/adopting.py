"""Finds the batches that earlier runs submitted and did not collect, whatever ended those runs.

Separate because it decides whether prompts may be submitted: only once it is known that no batch has them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from tasks.teachers.api.batches.service import BatchService
from tasks.teachers.api.batches.tickets import Ticket, Tickets


async def adopt(
    keys: Iterable[str], logprobs: int, tickets: Tickets, service: BatchService, log: Callable[[str], None]
) -> list[Ticket]:
    """Return the tickets of batches that hold one of `keys`; those whose batch never came to be are deleted.

    A run that ended while it submitted leaves a ticket without the batch's id. Such a batch is looked for in the
    provider's list by its input file, and not before SETTLE_S have passed since it was asked for.
    """
    keys = list(keys)
    while True:
        found = await _with_batches(await tickets.find(keys, logprobs), tickets, service)
        lost = [ticket for ticket in found if not ticket.batch]
        youngest = max((ticket.written for ticket in lost), default=0.0)
        rest = youngest + service.settle_s - time.time()
        if rest <= 0.0:
            break
        log(f"a run ended while it submitted a batch; whether it came to be is known in {rest:.0f} s")
        await asyncio.sleep(rest)
    for ticket in lost:
        await tickets.delete(ticket)
    adopted = [ticket for ticket in found if ticket.batch]
    for ticket in adopted:
        log(f"batch {ticket.batch} of an earlier run is collected, {len(ticket.keys)} requests")
    return adopted


async def _with_batches(found: list[Ticket], tickets: Tickets, service: BatchService) -> list[Ticket]:
    unsure = {ticket.input_file for ticket in found if not ticket.batch}
    batches = await service.batches_of(unsure) if unsure else {}
    known = []
    for ticket in found:
        if not ticket.batch and ticket.input_file in batches:
            ticket = ticket.model_copy(update={"batch": batches[ticket.input_file]})
            await tickets.write(ticket)
        known.append(ticket)
    return known
