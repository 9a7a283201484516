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
from stillhouse.inference.api.batch.cleanup import delete_files
from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.collect import Collected, collect, commit
from stillhouse.inference.api.batch.state import ENDED, BatchState
from stillhouse.inference.api.batch.submit import submit_next
from stillhouse.inference.api.batch.tickets import Ticket, Tickets
from stillhouse.inference.api.client import Outcome
from stillhouse.inference.api.request import ChatRequest, num_logprobs
from stillhouse.inference.api.retry import max_tries
from stillhouse.inference.api.server_error import plain

_FIRST_POLL_S = 2.0
_SLOWER = 1.5
# refused prompts of one batch that are named each
_MAX_NAMED = 20
# providers' codes, as `plain` writes them, for a batch that comes too early: too many tokens of this account wait
_TOO_MANY_WAIT = frozenset(("tokenlimitexceeded", "quotaexceeded", "resourceexhausted"))
# and for one that is too large for this account by itself
_TOO_LARGE = frozenset(("toomanytasks", "toomanyrequests", "batchtoolarge", "filetoolarge", "maxrequestsexceeded"))


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
        self._open: dict[str, Ticket] = {}  # by batch
        self._num_done: dict[str, int] = {}  # requests with an outcome, by open batch
        self._most_requests = self._limits.max_requests  # in one batch; halved for an account that takes fewer
        self._is_held = False  # the provider takes no further batch before one has ended
        self._tries: Counter[str] = Counter()  # by key
        self._has_answered = False

    async def request(self, requests: Iterable[ChatRequest]) -> None:
        """Have each request answered; a batch's completions are stored when it has ended.

        Raises:
            ServiceError: the provider refuses the batches, or they are not done in time: those go on.
            ServiceUnavailable: it can't be reached, or answers nothing.
            StoreError: tickets or completions can't be stored.
        """
        self._requests = {request.key: request for request in requests}
        adopted = await adopt(self._requests, self._tickets, self._client, self._log)
        self._open = {ticket.batch: ticket for ticket in adopted}
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
            while self._waiting and len(self._open) < self._limits.at_once and not self._is_held:
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
        ticket = await submit_next(self._waiting, self._client, self._tickets, self._most_requests)
        self._open[ticket.batch] = ticket
        self.num_sent += len(ticket.keys)
        self._log(
            f"batch {ticket.batch} submitted, {len(ticket.keys)} requests; should this run end, the batch goes on and "
            "the next run collects it"
        )

    async def _poll(self) -> None:
        """Ask for the state of each batch, and close those that have ended."""
        for batch, ticket in list(self._open.items()):
            state = await self._client.state(batch)
            if state is None:
                raise ServiceError(
                    f"Batch {batch}, submitted to {ticket.address}, is not known to the endpoint and key of this run. "
                    f"Use the key of the project that submitted it; or delete {ticket.path} in the store, and its "
                    "prompts are sent and paid for again."
                )
            self._num_done[batch] = state.num_done
            if state.status in ENDED:
                await self._close(ticket, state)

    async def _close(self, ticket: Ticket, state: BatchState) -> None:
        if state.status == "failed":
            error = self._take_back(ticket, state)
        else:
            collected = await collect(
                ticket, state, self._client, tickets=self._tickets, recorder=self._recorder, log=self._log
            )
            error = await self._settle(ticket, state, collected)
            self._is_held = False
        del self._open[ticket.batch], self._num_done[ticket.batch]
        await self._tickets.delete(ticket)
        # last: until the ticket is gone, another run may fetch them
        await delete_files(self._client, ticket, state, self._log)
        if error:
            raise error

    def _take_back(self, ticket: Ticket, state: BatchState) -> ServiceError | None:
        """Let the prompts of a batch wait if the provider did not begin it, or return why it never will."""
        reasons = "; ".join(f"{reason.message or reason.code}" for reason in state.reasons[:3]) or "no reason given"
        codes, num_requests = {plain(reason.code) for reason in state.reasons}, len(ticket.keys)
        is_early = bool(codes & _TOO_MANY_WAIT) and len(self._open) > 1
        if is_early:
            self._is_held = True
            self._log(f"batch {ticket.batch} is submitted again once another has ended: {reasons}")
        elif codes & (_TOO_MANY_WAIT | _TOO_LARGE) and num_requests > 1:
            self._most_requests = min(self._most_requests, num_requests // 2)
            self._is_held = False  # a smaller one may fit beside those that are open
            self._log(f"batch {ticket.batch} is too large for the account, and is halved from here on: {reasons}")
        if is_early or num_requests > self._most_requests:
            self._waiting.extendleft(self._requests[key] for key in reversed(ticket.keys) if key in self._requests)
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
        for key, refusal in list(collected.refused.items())[:_MAX_NAMED]:
            row = f"row {self._requests[key].row_id}" if key in self._requests else "a prompt of another run"
            self._log(f"{row} is refused and counts as failed: {refusal}{refusal.advice}")
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

    def _error_of_all(self, collected: Collected) -> ServiceError | None:
        """Return the error of a batch without any completion, if the next batch would get none either."""
        if collected.num_answered:
            return None
        refused, lost = list(collected.refused.values()), list(collected.lost.values())
        if refused and not lost and all(error.kind != "content_filter" for error in refused):
            # if other requests were answered, it is due to these prompts
            return None if self._has_answered or self._recorder.from_store else refused[0].of_all
        if lost and not self._has_answered:
            return ServiceUnavailable(f"A batch of {len(lost)} requests got no answer at all, for the last: {lost[-1]}")
        return None

    def _deadline_error(self) -> ServiceError:
        return ServiceError(
            f"{len(self._open)} batches were not done after {self._limits.deadline_h:g} h. They go on, and what came "
            "is stored: run again to collect the rest, or raise teachers.0.endpoint.batch.deadline_h."
        )


async def adopt(keys: Iterable[str], tickets: Tickets, client: BatchClient, log: Callable[[str], None]) -> list[Ticket]:
    """Return the tickets of batches that hold one of `keys`; tickets whose batch was never made are deleted.

    A run that ended while it submitted leaves a ticket without the batch's id. Such a batch is looked for in the
    provider's list by its input file, and not before SETTLE_S have passed since it was submitted.
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
        await delete_files(client, ticket, None, log)
    adopted = [ticket for ticket in found if ticket.batch]
    for ticket in adopted:
        log(f"batch {ticket.batch} of an earlier run is collected, {len(ticket.keys)} requests")
    return adopted


async def _with_batch_ids(found: list[Ticket], tickets: Tickets, client: BatchClient) -> list[Ticket]:
    """Return the tickets with the ids of those batches that the provider's list has; these are written too."""
    unsure = {ticket.input_file for ticket in found if not ticket.batch}
    batches = await client.batches_of(unsure) if unsure else {}
    completed = []
    for ticket in found:
        if not ticket.batch and ticket.input_file in batches:
            ticket = ticket.model_copy(update={"batch": batches[ticket.input_file]})
            await tickets.write(ticket)
        completed.append(ticket)
    return completed
