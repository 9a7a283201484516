"""Stores completions as they come from a teacher, and counts requests, tokens and time of a generation."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.claims import Claims
from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import Completion, without_reasoning
from stillhouse.completions.journal import Journal, Part
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.table import AnswerForm
from stillhouse.costs.budget_guard import BudgetGuard, BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.usage import UsageMeter
from stillhouse.errors import BudgetSpent
from stillhouse.runtime.collection import no_collection
from stillhouse.runtime.worker import Reporter


class _Keyed(Protocol):
    @property
    def key(self) -> str:
        """The completion's key."""


KeyedRequest = TypeVar("KeyedRequest", bound=_Keyed)

_POLL_S = 1.0
_NO_CONDITIONS = (
    "this store's S3 server knows no conditional writes: runs of this machine keep out of each other's way, those of "
    "another machine at the same time would ask the same prompts again"
)


class CompletionRecorder:
    """The completions of a set of keys: those that the store had, and those that come now."""

    def __init__(
        self,
        keys: Iterable[str],
        reporter: Reporter,
        *,
        store: StoreConfig,
        teacher: str,
        budget: BudgetScope,
        form: AnswerForm,
        min_logprobs: int,
    ) -> None:
        """Look up which keys have a stored completion with at least `min_logprobs` logprobs a token."""
        keys = list(keys)
        self.teacher = teacher
        self._files = Store(store)
        self._store = CompletionStore(self._files, teacher)
        self._left_store = CompletionStore(self._files, teacher)  # whose looks don't count as this run's last
        self._reporter = reporter
        self._min_logprobs = min_logprobs
        self._journal = Journal(store, teacher, reporter.log)
        self._claims: Claims | None = None
        self._store_left()
        self.completions = CompletionBuffer(keys, form)
        self._usage = UsageMeter()  # what all these completions took, whichever run requested them
        with no_collection():
            for stored in self._store.stream(keys, min_logprobs, self._usage.add_discarded):
                self._add(stored)
                reporter.beat()
        self.budget = BudgetGuard(budget, self._usage.total)
        self.num_requests = len(keys)
        self.from_store = sum(key in self.completions for key in keys)
        self.num_done = self.from_store
        self.generated = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0
        self._started = time.monotonic()
        reporter.log(f"{self.num_requests} requests, {self.from_store} found in the store")

    def missing(self, requests: Iterable[KeyedRequest]) -> list[KeyedRequest]:
        """Return those of `requests` that have no completion yet."""
        return [request for request in requests if request.key not in self.completions]

    @contextmanager
    def asking(self, requests: Iterable[KeyedRequest]) -> Iterator[list[KeyedRequest]]:
        """Yield those of `requests` that have no completion yet; until the block ends, no other run asks for them.

        Waits for runs that ask for one of them now, and takes their answers over.

        Raises:
            StoreError: the store can't be read or written.
        """
        missing = self.missing(requests)
        if not missing:
            yield []
            return
        with Claims(self._files, self.teacher) as self._claims:
            if not self._files.excludes_others:
                self._reporter.log(_NO_CONDITIONS)
            self._wait_for_others(self._claims, [request.key for request in missing])
            yield self.missing(missing)

    def check_claim(self) -> None:
        """Do nothing if what this run asks for is still its own.

        Raises:
            ClaimLost: another run may ask for it by now.
        """
        if self._claims is not None:
            self._claims.check()

    def _wait_for_others(self, claims: Claims, keys: list[str]) -> None:
        last = None
        while holder := claims.take(keys):
            if last is None or holder.id != last.id:
                self._reporter.log(f"waiting: process {holder.process} on {holder.host} asks for some of the same now")
            last = holder
            time.sleep(_POLL_S)
            self._reporter.beat()
        self._store_left()  # a run that asked when this one looked first may have been killed since
        self._take_over(keys)

    def _take_over(self, keys: list[str]) -> None:
        """Add what other runs have stored since the last look; it counts to this run's budget, as all that is found."""

        def count(one: Completion) -> None:
            self.budget.charge(one.prompt_tokens, one.completion_tokens, one.cached_tokens)

        def discard(one: Completion) -> None:
            self._usage.add_discarded(one)
            count(one)

        before = self.from_store
        for stored in self._store.stream(keys, self._min_logprobs, discard, since_last=True):
            self._add(stored)
            count(stored)
            self.from_store += 1
            self.num_done += 1
        if self.from_store > before:
            self._reporter.log(f"{self.from_store - before} of them were answered to another run meanwhile")

    def note(self, completion: Completion) -> None:
        """Keep a completion on this machine's disk until it is stored."""
        self._journal.add(completion, self._min_logprobs)

    def cut(self) -> Part:
        """Return what was noted since the last cut, to be forgotten once it is stored."""
        return self._journal.cut()

    def _store_left(self) -> None:
        """Store what runs that were ended noted and had not stored; it was paid for."""
        for part, lines in self._journal.left():
            num_stored = 0
            for min_logprobs in {number for _, number in lines}:
                lacking = self._lacking([one for one, number in lines if number == min_logprobs], min_logprobs)
                if lacking:
                    self._left_store.append(lacking, min_logprobs)
                num_stored += len(lacking)
            part.forget()
            if num_stored:
                self._reporter.log(f"stored {num_stored} answers that an earlier run could not store before it ended")

    def _lacking(self, noted: list[Completion], min_logprobs: int) -> list[Completion]:
        """Return those of `noted` that the store lacks: a process may have ended just after it had stored them."""
        discarded: list[Completion] = []
        keys = [one.key for one in noted]
        stored = {one.key for one in self._left_store.stream(keys, min_logprobs, discarded.append)}
        paid = {(one.key, one.created) for one in discarded}
        return [
            one for one in noted if ((one.key, one.created) not in paid if one.is_discarded else one.key not in stored)
        ]

    def commit(self, segment: list[Completion]) -> None:
        """Store `segment` as one file, if it holds anything; replies that were thrown away count by their tokens alone.

        Raises:
            StoreError: it can't be stored; none of it counts then.
        """
        if segment:
            self._store.append(segment, self._min_logprobs)
            for completion in segment:
                if completion.is_discarded:
                    self._usage.add_discarded(completion)
                else:
                    self._add(without_reasoning(completion))
                    self.generated += 1
            self.prompt_tokens += sum(completion.prompt_tokens for completion in segment)
            self.completion_tokens += sum(completion.completion_tokens for completion in segment)
            self.cached_tokens += sum(completion.cached_tokens for completion in segment)
        self.report_progress()

    def commit_any(self, segment: list[Completion]) -> None:
        """Store `segment`; completions of other keys are stored for later runs and not counted.

        Raises:
            StoreError: as `commit`.
        """
        own = [completion for completion in segment if self.completions.expects(completion.key)]
        others = [completion for completion in segment if not self.completions.expects(completion.key)]
        if others:
            self._store.append(others, self._min_logprobs)
        # another run may have stored some of them in the meantime
        new = [completion for completion in own if completion.key not in self.completions]
        self.num_done += sum(not completion.is_discarded for completion in new)
        self.commit(new)

    def report_progress(self, num_waiting: int = 0) -> None:
        """Report progress; `num_waiting` completions exist at the provider and are not fetched yet."""
        done = min(self.num_requests, self.num_done + num_waiting)
        self._reporter.progress(done, self.num_requests, "completions")

    def budget_error(self) -> BudgetSpent:
        """Return the error of a budget that allows no further request."""
        return self.budget.exceeded_error(self.num_requests - self.num_done, self.num_requests)

    def _add(self, completion: Completion) -> None:
        self.completions.add(completion)
        self._usage.add(completion)

    def summary(self, engine_start_seconds: float = 0.0) -> GenerationSummary:
        """Return the generation's numbers; `engine_start_seconds` are left out of its time."""
        seconds = time.monotonic() - self._started - engine_start_seconds
        return GenerationSummary(
            requests=self.num_requests,
            from_store=self.from_store,
            generated=self.generated,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_tokens=self.cached_tokens,
            engine_start_seconds=round(engine_start_seconds, 3),
            seconds=round(seconds, 3) if self.from_store < self.num_requests else 0.0,
            usage=self._usage.total,
        )
