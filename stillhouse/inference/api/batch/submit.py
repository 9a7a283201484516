"""Submits questions as batches, each with its ticket in the store from before it is asked for.

Separate because it is the one place where money is spent, and the order of its steps is what no kill may break:
the requests are uploaded (which costs nothing), the ticket is written, the batch is asked for, its id is written.
"""

import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path

from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.client import BatchService
from stillhouse.inference.api.batch.request_file import take_questions
from stillhouse.inference.api.batch.tickets import Ticket, Tickets, new_ticket
from stillhouse.inference.api.request import ChatRequest, ResponseForm, num_logprobs
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Teacher


class Submitter:
    """Makes batches of questions."""

    def __init__(
        self,
        service: BatchService,
        tickets: Tickets,
        teacher: Teacher,
        endpoint: Endpoint,
        form: ResponseForm,
        log: Callable[[str], None],
    ) -> None:
        """Remember whom to submit to; nothing is sent yet."""
        self.sent = 0
        self._service = service
        self._tickets = tickets
        self._teacher = teacher
        self._endpoint = endpoint
        self._form = form
        self._log = log

    async def submit_next(self, waiting: deque[ChatRequest]) -> Ticket:
        """Take the first of `waiting` that fit into one batch, submit it, and return its ticket.

        Raises:
            ServiceError: the provider refuses it; there is no batch then.
            ServiceUnavailable: it is not known whether there is one; the next run finds out.
        """
        with tempfile.TemporaryDirectory(prefix="stillhouse-batch-") as folder:
            path = Path(folder) / "requests.jsonl"
            asked = take_questions(waiting, self._teacher, self._endpoint, self._form, path)
            input_file = await self._service.upload(path)
        ticket = new_ticket(
            teacher=self._tickets.teacher,
            address=self._endpoint.address,
            input_file=input_file,
            is_wrapped=self._form.is_wrapped,
            logprobs=num_logprobs(self._teacher, self._endpoint),
            keys=tuple(question.key for question in asked),
        )
        submitted = ticket.model_copy(update={"batch": await self._submit(ticket)})
        await self._tickets.write(submitted)
        self.sent += len(asked)
        self._log(
            f"batch {submitted.batch} submitted, {len(asked)} requests; should this run end, the batch goes on and the "
            "next run collects it"
        )
        return submitted

    async def _submit(self, ticket: Ticket) -> str:
        async def announce() -> None:
            await self._tickets.announce(ticket)

        metadata = {"stillhouse_ticket": ticket.name, "stillhouse_teacher": ticket.teacher}
        try:
            return await self._service.submit(ticket.input_file, metadata, announce)
        except ServiceUnavailable:
            # the last call may have been heard: the ticket stays
            raise
        except ServiceError:
            await self._tickets.delete(ticket)
            raise
