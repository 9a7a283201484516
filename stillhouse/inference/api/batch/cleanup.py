"""Deletes a batch's files at the provider once nothing in them is needed: prompts and answers stay nowhere else."""

from collections.abc import Callable

from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.state import BatchState
from stillhouse.inference.api.batch.tickets import Ticket


async def delete_files(
    client: BatchClient, ticket: Ticket, state: BatchState | None, log: Callable[[str], None]
) -> None:
    """Delete the file of requests, and those of results that `state` names; those that can't be deleted are logged."""
    results = (state.output_file_id, state.error_file_id) if state else ()
    kept = [file for file in (ticket.input_file, *results) if file and not await client.delete(file)]
    if kept:
        log(f"{', '.join(kept)} could not be deleted at {client.model.endpoint.provider}: delete them there")
