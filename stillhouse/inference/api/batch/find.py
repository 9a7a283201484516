"""Finds the batches of tickets that were written before a submission whose answer nobody heard."""

from collections.abc import Sequence

from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.tickets import Ticket, Tickets


async def find_batches(unsure: Sequence[Ticket], client: BatchClient, tickets: Tickets) -> list[Ticket]:
    """Return those of `unsure` that have a batch in the provider's list, with its id.

    Where a list does not tell whose a batch is, one that may be the ticket's is a guess until its results are there.
    """
    api = client.api
    taken = set[str]() if api.names_tickets else await tickets.sure_batches()
    found: dict[str, Ticket] = {}
    cursor, is_last = "", not unsure
    while not is_last and len(found) < len(unsure):
        page = await client.page(cursor)
        for state in page.batches:
            for ticket in unsure:
                is_open = ticket.name not in found and state.id not in taken and state.id not in ticket.not_its
                if is_open and api.may_be_of(state, ticket):
                    found[ticket.name] = ticket.model_copy(
                        update={"batch": state.id, "is_guessed": not api.names_tickets}
                    )
        cursor, is_last = page.next, not page.next
    return list(found.values())
