"""Asks many questions in batches and waits for their ends; what was submitted once is not submitted again.

Separate because a batch outlives the run that submitted it: this one takes over what earlier ones left, and leaves to
later ones what is not done in time.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.client import ENDED, BatchService, State
from stillhouse.inference.api.batch.collect import Collected, Collector, Rejected
from stillhouse.inference.api.batch.submit import Submitter
from stillhouse.inference.api.batch.tickets import Ticket, Tickets
from stillhouse.inference.api.errors import TransientError
from stillhouse.inference.api.request import ChatRequest
from stillhouse.recipe.batch import Batches

_FIRST_POLL_S = 2.0
_SLOWER = 1.5
# a provider's word for a batch that comes too early: too many tokens of this account wait already
_TOO_MUCH_WAITS = "token_limit_exceeded"


class BatchAsking:
    """The questions of one generation on their way through batches."""

    def __init__(
        self,
        service: BatchService,
        tickets: Tickets,
        submitter: Submitter,
        collector: Collector,
        books: CompletionRecorder,
        limits: Batches,
        log: Callable[[str], None],
    ) -> None:
        """Remember where questions and answers go; nothing is asked yet."""
        self.failed: Counter[str] = Counter()
        self.tries_lost: Counter[str] = Counter()
        self._service = service
        self._tickets = tickets
        self._submitter = submitter
        self._collector = collector
        self._books = books
        self._limits = limits
        self._log = log
        self._questions: dict[str, ChatRequest] = {}
        self._waiting: deque[ChatRequest] = deque()
        self._open: dict[str, Ticket] = {}  # by batch
        self._done: dict[str, int] = {}  # requests with an outcome, by open batch
        self._is_held = False  # the provider takes no further batch before one has ended
        self._tries: Counter[str] = Counter()  # by key
        self._has_answered = False

    async def ask(self, questions: Iterable[ChatRequest], logprobs: int) -> None:
        """Have each question answered; a batch's answers are stored when it has ended.

        Raises:
            ServiceError: the provider refuses the batches, or they are not done in time: those go on.
            ServiceUnavailable: it can't be reached, or answers nothing.
            StoreError: tickets or answers can't be stored.
        """
        self._questions = {question.key: question for question in questions}
        adopted = await adopt(self._questions, logprobs, self._tickets, self._service, self._log)
        self._open = {ticket.batch: ticket for ticket in adopted}
        taken = {key for ticket in adopted for key in ticket.keys}
        self._waiting = deque(question for key, question in self._questions.items() if key not in taken)
        try:
            await self._until_all_ended()
        except asyncio.CancelledError:
            if self._open:
                self._log(f"{len(self._open)} batches go on, since they are paid for; the next run collects them")
            raise

    async def _until_all_ended(self) -> None:
        deadline = time.monotonic() + 3600.0 * self._limits.deadline_h
        pause, last = _FIRST_POLL_S, -1
        while self._waiting or self._open:
            while self._waiting and len(self._open) < self._limits.at_once and not self._is_held:
                ticket = await self._submitter.submit_next(self._waiting)
                self._open[ticket.batch] = ticket
            await self._look()
            done = sum(self._done.values())
            # said at every look: a batch may stand still for hours, and a worker without a word is ended
            self._books.tell(done)
            if not self._open:
                continue
            if time.monotonic() >= deadline:
                raise self._not_in_time()
            pause = min(self._limits.poll_s, _FIRST_POLL_S if done != last else pause * _SLOWER)
            last = done
            await asyncio.sleep(min(pause, max(0.0, deadline - time.monotonic())))

    async def _look(self) -> None:
        """See how each batch stands, and bring in those that have ended."""
        for batch, ticket in list(self._open.items()):
            state = await self._service.state(batch)
            if state is None:
                raise ServiceError(
                    f"Batch {batch}, submitted to {ticket.address}, is not known to the endpoint and key of this run. "
                    f"Use the key of the project that submitted it; or delete {ticket.place} in the store, and its "
                    "prompts are asked and paid for again."
                )
            self._done[batch] = state.num_done
            if state.status in ENDED:
                await self._bring_in(ticket, state)

    async def _bring_in(self, ticket: Ticket, state: State) -> None:
        if state.status == "failed":
            error = self._not_taken(ticket, state)
        else:
            collected = await self._collector.collect(ticket, state)
            error = await self._judge(ticket, state, collected)
            self._is_held = False
        del self._open[ticket.batch], self._done[ticket.batch]
        await self._tickets.delete(ticket)
        if error:
            raise error

    def _not_taken(self, ticket: Ticket, state: State) -> ServiceError | None:
        """Have the prompts of a batch that the provider would not begin wait, or return why it never will."""
        said = "; ".join(f"{reason.message or reason.code}" for reason in state.reasons[:3]) or "no reason given"
        if any(reason.code == _TOO_MUCH_WAITS for reason in state.reasons) and len(self._open) > 1:
            self._is_held = True
            self._waiting.extendleft(self._questions[key] for key in reversed(ticket.keys) if key in self._questions)
            self._log(f"batch {ticket.batch} is submitted again once another has ended: {said}")
            return None
        return ServiceError(
            f"Batch {ticket.batch} was refused and nothing of it is paid for: {said}. Mend what it names; where too "
            "many tokens wait, lower teachers.0.endpoint.batch.max_requests, or wait for the account's other batches."
        )

    async def _judge(self, ticket: Ticket, state: State, collected: Collected) -> ServiceError | None:
        """Decide what is asked again and what counts as failed, and return what ends the run, if anything does."""
        self._log(f"batch {ticket.batch} {state.status}: {collected.num_answered} of {len(ticket.keys)} answered")
        self.tries_lost.update(fault.kind for fault in collected.lost.values())
        self._has_answered |= collected.num_answered > 0
        if error := collected.error or self._hopeless(collected):
            return error
        for first in list(collected.refused.values())[:1]:
            self._log(f"{len(collected.refused)} prompts were refused, the first: {first}")
        failed = {key: fault.kind for key, fault in collected.refused.items()}
        for key, fault in collected.lost.items():
            self._tries[key] += 1
            if state.status != "cancelled" and self._tries[key] >= self._limits.max_attempts:
                failed[key] = fault.kind
            elif key in self._questions:
                self._waiting.append(self._questions[key])
        failed = {key: kind for key, kind in failed.items() if key in self._questions}
        self.failed.update(failed.values())
        await self._collector.keep_failed(failed)
        if state.status == "cancelled" and self._waiting:
            return ServiceError(
                f"Batch {ticket.batch} was cancelled at the provider; its answers until then are stored. Run again to "
                "have the rest asked."
            )
        return None

    def _hopeless(self, collected: Collected) -> ServiceError | None:
        """Return what says that the next batch would get no answer either."""
        if collected.num_answered:
            return None
        refused = list(collected.refused.values())
        if refused and not collected.lost and all(isinstance(fault, Rejected) for fault in refused):
            # where others were answered, it is the prompts
            return None if self._has_answered or self._books.from_store else ServiceError(str(refused[0]))
        lost: list[TransientError] = list(collected.lost.values())
        if lost and not self._has_answered:
            return ServiceUnavailable(f"A batch of {len(lost)} requests got no answer at all, for the last: {lost[-1]}")
        return None

    def _not_in_time(self) -> ServiceError:
        return ServiceError(
            f"{len(self._open)} batches were not done after {self._limits.deadline_h:g} h. They go on, and what came "
            "is stored: run again to collect the rest, or raise teachers.0.endpoint.batch.deadline_h."
        )


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
