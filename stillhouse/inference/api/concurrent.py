"""Asks many questions of an endpoint at once and stores the answers every few seconds, whatever happens.

Separate because each answer is paid for: however a run ends, short of a SIGKILL, those that came are stored.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from stillhouse.completions.completion import Completion
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.inference.api.client import Answered, Client
from stillhouse.inference.api.request import ChatRequest
from stillhouse.recipe.endpoint import Endpoint

# answers that may wait to be stored, while the store is slow, before no further question is asked
_MOST_UNSTORED = 4096


class ConcurrentRequester:
    """Questions of one generation on their way to the endpoint, and answers on theirs to the store."""

    def __init__(self, client: Client, endpoint: Endpoint, books: CompletionRecorder, teacher_fingerprint: str) -> None:
        """Remember where answers go; nothing is asked yet."""
        self.failed: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}  # by key, of the answers that came now
        self._client = client
        self._endpoint = endpoint
        self._books = books
        self._teacher = teacher_fingerprint
        self._fresh: list[Completion] = []
        self._is_over = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_spent = False
        self._came = asyncio.Event()

    async def ask(self, questions: Iterable[ChatRequest], concurrency: int) -> None:
        """Have each question answered, with up to `concurrency` in flight; all that came is stored at its end.

        Raises:
            ServiceError: the endpoint can't be used.
            StoreError: the answers can't be stored.
            BudgetSpent: the budget allows no further question.
        """
        self._is_over.clear()
        askers = asyncio.create_task(self._ask_all(iter(questions), concurrency))
        storing = asyncio.create_task(self._store_regularly())
        try:
            # whichever fails first ends the other: no answer is bought that can't be kept
            await asyncio.wait({askers, storing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            askers.cancel()
            self._is_over.set()
            outcomes = await asyncio.gather(storing, askers, return_exceptions=True)
        for error in outcomes:
            if error is not None:
                raise error
        if self._is_spent:
            raise self._books.budget.exceeded_error(self._books.total - self._books.done, self._books.total)

    async def _ask_all(self, questions: Iterator[ChatRequest], concurrency: int) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(self._ask_one_by_one(questions))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _ask_one_by_one(self, questions: Iterator[ChatRequest]) -> None:
        for question in questions:
            await self._has_room.wait()
            if not await self._is_affordable(question):
                return
            self._keep(question, await self._client.ask(question))
            self._books.done += 1

    async def _is_affordable(self, question: ChatRequest) -> bool:
        """Set aside what the question may take; where that would pass the budget, wait for answers that took less."""
        allowance = self._books.budget
        needed = self._client.most_tokens(question)
        while not self._is_spent and not allowance.can_reserve(*needed):
            # with none in flight nothing comes back to make room
            self._is_spent = not allowance.num_in_flight
            self._came.clear()
            if not self._is_spent:
                await self._came.wait()
        if self._is_spent:
            self._came.set()
            return False
        allowance.reserve(question.key, *needed)
        return True

    def _keep(self, question: ChatRequest, answered: Answered) -> None:
        if answered.finish_reason.startswith("error"):
            self.failed[answered.finish_reason.removeprefix("error:")] += 1
        self.seconds[question.key] = answered.seconds
        completion = as_completion(question.key, answered, self._teacher)
        is_counted = answered.reply is None or completion.prompt_tokens > 0
        self._books.budget.settle(
            question.key,
            completion.prompt_tokens if is_counted else None,
            completion.completion_tokens,
            completion.seconds,
        )
        self._came.set()
        self._fresh.append(completion)
        if len(self._fresh) >= _MOST_UNSTORED:
            self._has_room.clear()

    async def _store_regularly(self) -> None:
        """Store what has come, every few seconds and once more when all is over."""
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), self._endpoint.segment_seconds)
            # before the answers are taken: what comes while they are stored needs another round
            is_last = self._is_over.is_set()
            segment, self._fresh = self._fresh, []
            self._has_room.set()
            # in a thread: while a store is slow, answers go on to come
            await asyncio.to_thread(self._books.commit, segment)


def as_completion(key: str, answered: Answered, teacher_fingerprint: str) -> Completion:
    """Return what became of the question with this key, as it is stored."""
    reply = answered.reply
    return Completion(
        key=key,
        text=reply.text if reply else "",
        finish_reason=answered.finish_reason,
        prompt_tokens=reply.prompt_tokens if reply else 0,
        completion_tokens=reply.completion_tokens if reply else 0,
        token_ids=reply.token_ids if reply else (),
        logprobs=reply.logprobs if reply else (),
        cumulative_logprob=reply.cumulative_logprob if reply else None,
        seconds=round(answered.seconds, 4),
        teacher=teacher_fingerprint,
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
