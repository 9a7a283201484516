"""Sends many requests to an endpoint at once and stores completions every few seconds.

Each completion is paid for: it is on this machine's disk as it comes, so that the next run can store it, however this
one ends.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from stillhouse.completions.completion import DISCARDED, Completion, Reply, utc_now
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import BudgetSpent, ServiceError, ServiceUnavailable
from stillhouse.inference.api.client import Client, Outcome
from stillhouse.inference.api.request import ChatRequest
from stillhouse.inference.api.response import TokenCounts

# completions that may wait to be stored, while the store is slow, before no further request is sent
_MAX_UNSTORED = 4096
# seconds for which answers under way are waited for once the run is ended: they are paid for
_GRACE_S = 15.0


class ConcurrentRequester:
    """Sends the requests of one generation, and hands the completions to the recorder."""

    def __init__(self, client: Client, recorder: CompletionRecorder) -> None:
        """Start with nothing sent."""
        self.failed: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}  # by key, of the completions that came now
        self._client = client
        self._recorder = recorder
        self._unstored: list[Completion] = []
        self._is_over = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_budget_spent = False
        self._came = asyncio.Event()
        self._senders: list[asyncio.Task[None]] = []
        self._error: ServiceError | BudgetSpent | None = None
        client.has_answered = recorder.from_store > 0
        client.on_discarded = self._charge

    async def request(self, requests: Iterable[ChatRequest], concurrency: int) -> None:
        """Have each request answered, with up to `concurrency` in flight; all that came is stored at its end.

        Raises:
            ServiceError: the endpoint can't be used.
            ClaimLost: another run may ask for the same by now.
            StoreError: the completions can't be stored.
            BudgetSpent: the budget allows no further request.
        """
        self._is_over.clear()
        sending = asyncio.create_task(self._send_all(iter(requests), concurrency))
        storing = asyncio.create_task(self._store_regularly())
        try:
            # whichever fails first ends the other: no completion is bought that can't be stored
            await asyncio.wait({sending, storing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._end_sending(sending)
            self._is_over.set()
            errors = await asyncio.gather(storing, sending, return_exceptions=True)
            self._recorder.cut().close()
        for error in errors:
            if error is not None:
                raise error
        if self._is_budget_spent:
            raise self._recorder.budget_error()

    async def _end_sending(self, sending: "asyncio.Task[None]") -> None:
        """Send nothing more, and wait a while for the answers under way."""
        if not sending.done():
            self._end(ServiceError("the run was ended"))
            with contextlib.suppress(asyncio.CancelledError):  # by a second signal
                await asyncio.wait({sending}, timeout=_GRACE_S)
        sending.cancel()

    async def _send_all(self, requests: Iterator[ChatRequest], concurrency: int) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                self._senders = [group.create_task(self._send_one_by_one(requests)) for _ in range(concurrency)]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if isinstance(self._error, BudgetSpent):
            raise self._recorder.budget_error()  # more has come since it was spent
        if self._error:
            raise self._error

    async def _send_one_by_one(self, requests: Iterator[ChatRequest]) -> None:
        for request in requests:
            await self._has_room.wait()
            if not await self._reserve(request):
                return
            try:
                self._recorder.check_claim()
                outcome = await self._client.send(request)
            except (ServiceError, BudgetSpent) as error:
                self._end(error)
                return
            if self._error and outcome.reply is None:
                return  # given up since the run ends, which says nothing about it
            self._keep(request, outcome)
            self._recorder.num_done += 1
            if self._error:
                return

    def _end(self, error: ServiceError | BudgetSpent) -> None:
        """Send nothing more; answers under way are paid for and are waited for, unless the endpoint is down."""
        self._error = self._error or error
        self._client.is_ending = True
        is_down = isinstance(error, ServiceUnavailable)
        for sender in self._senders:
            if sender is not asyncio.current_task() and (is_down or not self._client.is_under_way(sender)):
                sender.cancel()

    def _charge(self, request: ChatRequest, counts: TokenCounts) -> None:
        """Take an answer that can't be used off the budget, and keep what it cost.

        Raises:
            BudgetSpent: the budget does not allow another try.
        """
        budget = self._recorder.budget
        budget.charge(counts.prompt, counts.completion, counts.cached)
        self._wait_to_be_stored(as_discarded(request.key, counts, self._recorder.teacher))
        if not budget.can_reserve(0.0, 0):
            raise self._recorder.budget_error()

    async def _reserve(self, request: ChatRequest) -> bool:
        """Set aside what the request may take; if that passes the budget, wait for completions that took less."""
        budget = self._recorder.budget
        needed = self._client.most_tokens(request)
        while not self._is_budget_spent and not budget.can_reserve(*needed):
            # with none in flight nothing comes back to make room
            self._is_budget_spent = not budget.num_in_flight
            self._came.clear()
            if not self._is_budget_spent:
                await self._came.wait()
        if self._is_budget_spent:
            self._came.set()
            return False
        budget.reserve(request.key, *needed)
        return True

    def _keep(self, request: ChatRequest, outcome: Outcome) -> None:
        completion = as_completion(request.key, outcome, self._recorder.teacher)
        if completion.finish_reason.startswith("error"):
            self.failed[completion.finish_reason.removeprefix("error:")] += 1
        self.seconds[request.key] = outcome.seconds
        is_counted = outcome.reply is None or completion.prompt_tokens > 0
        self._recorder.budget.settle(
            request.key,
            completion.prompt_tokens if is_counted else None,
            completion.completion_tokens,
            completion.seconds,
            cached_tokens=completion.cached_tokens,
        )
        self._came.set()
        self._wait_to_be_stored(completion)

    def _wait_to_be_stored(self, completion: Completion) -> None:
        self._unstored.append(completion)
        self._recorder.note(completion)
        if len(self._unstored) >= _MAX_UNSTORED:
            self._has_room.clear()

    async def _store_regularly(self) -> None:
        """Store what has come, every few seconds and once more when all is over."""
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), self._client.model.endpoint.segment_seconds)
            # read before the completions are taken: what comes while they are stored needs another round
            is_last = self._is_over.is_set()
            segment, self._unstored = self._unstored, []
            self._has_room.set()
            with self._recorder.cut() as noted:
                # in a thread: while a store is slow, completions go on to come
                await asyncio.to_thread(self._recorder.commit, segment)
                noted.forget()


def as_completion(key: str, outcome: Outcome, teacher_fingerprint: str) -> Completion:
    """Return the outcome of the request with this key as it is stored."""
    reply = outcome.reply or Reply(
        text="", finish_reason=f"error:{outcome.error}", prompt_tokens=0, completion_tokens=0
    )
    return Completion(
        **dict(reply), key=key, seconds=round(outcome.seconds, 4), teacher=teacher_fingerprint, created=utc_now()
    )


def as_discarded(key: str, counts: TokenCounts, teacher_fingerprint: str) -> Completion:
    """Return the cost of a reply that can't be used, as it is stored beside what comes of its request."""
    cost = {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.completion,
        "cached_tokens": counts.cached,
    }
    return as_completion(key, Outcome(None, DISCARDED.removeprefix("error:")), teacher_fingerprint).model_copy(
        update=cost
    )
