"""Deletes what a batch left at the provider once nothing of it is needed: prompts and answers stay nowhere else."""

from collections.abc import Callable

from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.state import BatchState
from stillhouse.inference.api.batch.tickets import Ticket


async def clean_up(client: BatchClient, ticket: Ticket, state: BatchState | None, log: Callable[[str], None]) -> None:
    """Delete what lies at the provider because of the ticket; what can't be deleted is logged."""
    kept = [name for name in client.api.left_behind(ticket, state) if name and not await client.delete(name)]
    if kept:
        provider = client.model.endpoint.provider
        log(f"{', '.join(kept)} could not be deleted at {provider}: {client.api.when_kept}")
