"""Has requests answered in batches and waits for their ends; what was submitted once is not submitted again.

A batch outlives the run that submitted it: this run adopts the batches of earlier ones, and leaves to
later ones what is not done in time.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.account import Account
from stillhouse.inference.api.batch.adopt import adopt
from stillhouse.inference.api.batch.cleanup import clean_up
from stillhouse.inference.api.batch.client import BatchClient, TooMuch
from stillhouse.inference.api.batch.collect import Collected, collect, commit
from stillhouse.inference.api.batch.find import find_batches
from stillhouse.inference.api.batch.state import ENDED, BatchState
from stillhouse.inference.api.batch.submit import submit_next
from stillhouse.inference.api.batch.tickets import Ticket, Tickets
from stillhouse.inference.api.client import Outcome
from stillhouse.inference.api.request import ChatRequest
from stillhouse.inference.api.retry import max_tries

_FIRST_POLL_S = 2.0
_SLOWER = 1.5
# refused prompts of one batch that are named each
_MAX_NAMED = 20


class BatchRunner:
    """Sends the requests of one generation through batches."""

    def __init__(
        self, client: BatchClient, tickets: Tickets, recorder: CompletionRecorder, log: Callable[[str], None]
    ) -> None:
        """Start with nothing sent."""
        self.num_sent = 0
        self.failed: Counter[str] = Counter()
        self.tries_lost: Counter[str] = Counter()
        self._client = client
        self._tickets = tickets
        self._recorder = recorder
        self._log = log
        self._limits = client.model.endpoint.batch
        self._requests: dict[str, ChatRequest] = {}
        self._waiting: deque[ChatRequest] = deque()
        self._open: dict[str, Ticket] = {}  # by the ticket's name
        self._num_done: dict[str, int] = {}  # requests with an outcome, by the open ticket's name
        self._account = Account(self._limits.max_requests, log)
        self._tries: Counter[str] = Counter()  # by key
        self._has_answered = False

    async def request(self, requests: Iterable[ChatRequest]) -> None:
        """Have each request answered; a batch's completions are stored when it has ended.

        Raises:
            ServiceError: the provider refuses the batches, or they are not done in time: those go on.
            ServiceUnavailable: it can't be reached, or answers nothing.
            ClaimLost: another run may submit the same by now.
            StoreError: tickets or completions can't be stored.
        """
        self._requests = {request.key: request for request in requests}
        adopted = await adopt(self._requests, self._tickets, self._client, self._log)
        self._open = {ticket.name: ticket for ticket in adopted}
        in_batches = {key for ticket in adopted for key in ticket.keys}
        self._waiting = deque(request for key, request in self._requests.items() if key not in in_batches)
        try:
            await self._until_all_ended()
        except asyncio.CancelledError:
            if self._open:
                self._log(f"{len(self._open)} batches go on, since they are paid for; the next run collects them")
            raise

    async def _until_all_ended(self) -> None:
        deadline = time.monotonic() + 3600.0 * self._limits.deadline_h
        pause_s, last = _FIRST_POLL_S, -1
        while self._waiting or self._open:
            while self._waiting and len(self._open) < self._limits.at_once and not self._account.is_held:
                await self._submit()
            await self._poll()
            done = sum(self._num_done.values())
            # reported at every poll: a batch may stand still for hours, and a silent worker is ended
            self._recorder.report_progress(done)
            if not self._open:
                continue
            if time.monotonic() >= deadline:
                raise self._deadline_error()
            pause_s = min(self._limits.poll_s, _FIRST_POLL_S if done != last else pause_s * _SLOWER)
            last = done
            await asyncio.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))

    async def _submit(self) -> None:
        self._recorder.check_claim()
        try:
            ticket = await submit_next(self._waiting, self._client, self._tickets, self._account.most_requests)
        except TooMuch as error:
            if not self._account.note_refusal(
                {error.code}, error.num_requests, str(error), has_others=bool(self._open)
            ):
                raise ServiceUnavailable(f"{error}. It takes not even a batch of one request now: run again.") from None
            return
        self._open[ticket.name] = ticket
        self.num_sent += len(ticket.keys)
        self._log(
            f"batch {ticket.batch} submitted, {len(ticket.keys)} requests; should this run end, the batch goes on and "
            "the next run collects it"
        )

    async def _poll(self) -> None:
        """Ask for the state of each batch, and close those that have ended."""
        for ticket in list(self._open.values()):
            state = await self._client.state(ticket.batch)
            if state is None and ticket.is_guessed:
                await self._guess_again(ticket)
                continue
            if state is None:
                raise ServiceError(
                    f"Batch {ticket.batch}, submitted to {ticket.address}, is not known to the endpoint and key of "
                    f"this run. Use the key of the project that submitted it; or delete {ticket.path} in the store, "
                    "and its prompts are sent and paid for again."
                )
            self._num_done[ticket.name] = state.num_done
            if state.status in ENDED:
                await self._close(ticket, state)

    async def _close(self, ticket: Ticket, state: BatchState) -> None:
        if state.status == "failed":
            error = self._take_back(ticket, state)
        else:
            collected = await collect(
                ticket, state, self._client, tickets=self._tickets, recorder=self._recorder, log=self._log
            )
            if ticket.is_guessed and collected.is_anothers:
                await self._guess_again(ticket)
                return
            error = await self._settle(ticket, state, collected)
            self._account.is_held = False
        await self._forget(ticket)
        # last: until the ticket is gone, another run may fetch them
        await clean_up(self._client, ticket, state, self._log)
        if error:
            raise error

    async def _forget(self, ticket: Ticket) -> None:
        self._open.pop(ticket.name)
        self._num_done.pop(ticket.name, None)
        self._account.is_held &= bool(self._open)  # with none open there is none to wait for
        await self._tickets.delete(ticket)

    async def _guess_again(self, ticket: Ticket) -> None:
        """Take another batch for the ticket's, whose guess was wrong; without one, let its requests wait again."""
        self._log(f"batch {ticket.batch} is another's, and is left alone")
        ticket = ticket.model_copy(
            update={"batch": "", "is_guessed": False, "not_its": (*ticket.not_its, ticket.batch)}
        )
        found = await find_batches([ticket], self._client, self._tickets)
        if found:
            self._open[ticket.name] = found[0]
            await self._tickets.write(found[0])
            return
        await self._forget(ticket)
        self._wait_again(ticket)

    def _wait_again(self, ticket: Ticket) -> None:
        self._waiting.extendleft(self._requests[key] for key in reversed(ticket.keys) if key in self._requests)

    def _take_back(self, ticket: Ticket, state: BatchState) -> ServiceError | None:
        """Let the prompts of a batch wait if the provider did not begin it, or return why it never will."""
        reasons = "; ".join(f"{reason.message or reason.code}" for reason in state.reasons[:3]) or "no reason given"
        codes = {reason.code for reason in state.reasons}
        if self._account.note_refusal(codes, len(ticket.keys), reasons, has_others=len(self._open) > 1):
            self._wait_again(ticket)
            return None
        return ServiceError(
            f"Batch {ticket.batch} was refused and nothing of it is paid for: {reasons}. Correct what it names; if too "
            "many tokens wait, let the account's other batches end first."
        )

    async def _settle(self, ticket: Ticket, state: BatchState, collected: Collected) -> ServiceError | None:
        """Decide which prompts wait again and which have failed, and return the error that ends the run, if any."""
        self._log(f"batch {ticket.batch} {state.status}: {collected.num_answered} of {len(ticket.keys)} answered")
        self.tries_lost.update(error.kind for error in collected.lost.values())
        self._has_answered |= collected.num_answered > 0
        if error := collected.error or self._error_of_all(collected):
            return error
        self._name_refused(collected)
        failed: dict[str, str] = {key: refusal.kind for key, refusal in collected.refused.items()}
        for key, lost in collected.lost.items():
            self._tries[key] += 1
            most = max_tries(self._client.model, lost.kind, self._limits.max_attempts)
            if state.status != "cancelled" and self._tries[key] >= most:
                failed[key] = lost.kind
            elif key in self._requests:
                self._waiting.append(self._requests[key])
        failed = {key: kind for key, kind in failed.items() if key in self._requests}
        self.failed.update(failed.values())
        await commit(self._recorder, {key: Outcome(None, kind) for key, kind in failed.items()})
        if state.status == "cancelled" and self._waiting:
            return ServiceError(
                f"Batch {ticket.batch} was cancelled at the provider; its completions until then are stored. Run again "
                "to send the rest."
            )
        return None

    def _name_refused(self, collected: Collected) -> None:
        for key, refusal in list(collected.refused.items())[:_MAX_NAMED]:
            row = f"row {self._requests[key].row_id}" if key in self._requests else "a prompt of another run"
            self._log(f"{row} is refused and counts as failed: {refusal}{refusal.advice}")

    def _error_of_all(self, collected: Collected) -> ServiceError | None:
        """Return the error of a batch without any completion, if the next batch would get none either."""
        if collected.num_answered:
            return None
        refused, lost = list(collected.refused.values()), list(collected.lost.values())
        if refused and not lost and all(error.kind != "content_filter" for error in refused):
            # if other requests were answered, it is due to these prompts
            return None if self._has_answered or self._recorder.from_store else refused[0].of_all
        # one that ran out of time says nothing about the endpoint
        if any(error.kind != "expired" for error in lost) and not self._has_answered:
            return ServiceUnavailable(f"A batch of {len(lost)} requests got no answer at all, for the last: {lost[-1]}")
        return None

    def _deadline_error(self) -> ServiceError:
        return ServiceError(
            f"{len(self._open)} batches were not done after {self._limits.deadline_h:g} h. They go on, and what came "
            "is stored: run again to collect the rest, or raise teachers.0.endpoint.batch.deadline_h."
        )
