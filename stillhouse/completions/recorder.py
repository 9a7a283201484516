"""Answers on their way from a teacher into the store, and the numbers of a generation.

Separate because an engine and an endpoint are asked in different ways, and all that comes after is the same.
"""

import time
from collections.abc import Iterable

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import Completion
from stillhouse.completions.store import CompletionStore
from stillhouse.costs.budget_guard import BudgetGuard, BudgetScope
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.usage import UsageMeter
from stillhouse.runtime.worker import Reporter


class CompletionRecorder:
    """The answers to a set of keys: those the store had, and those that come now."""

    def __init__(
        self,
        keys: Iterable[str],
        report: Reporter,
        *,
        store: StoreConfig,
        teacher: str,
        cap: BudgetScope,
        scored: list[int] | None,
        min_logprobs: int,
    ) -> None:
        """Look up which keys have a stored answer with at least `min_logprobs` logprobs a token."""
        keys = list(keys)
        self.teacher = teacher
        self._store = CompletionStore(Store(store), teacher)
        self._report = report
        self._min_logprobs = min_logprobs
        self.answers = CompletionBuffer(keys, scored)
        self.bought = UsageMeter()  # what all these answers took, whichever run asked
        for stored in self._store.stream(keys, min_logprobs):
            self._take(stored)
        self.budget = BudgetGuard(cap, self.bought.total)
        self.total = len(keys)
        self.from_store = sum(key in self.answers for key in keys)
        self.done = self.from_store
        self.generated = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.started = time.monotonic()
        report.log(f"{self.total} requests, {self.from_store} answered from the store")

    def commit(self, segment: list[Completion]) -> None:
        """Store `segment` as one file, if it holds anything.

        Raises:
            StoreError: where it can't be stored; none of it counts then.
        """
        if segment:
            self._store.append(segment, self._min_logprobs)
            for completion in segment:
                self._take(completion)
            self.generated += len(segment)
            self.prompt_tokens += sum(completion.prompt_tokens for completion in segment)
            self.completion_tokens += sum(completion.completion_tokens for completion in segment)
        self._report.progress(self.done, self.total, "answers")

    def commit_of_all(self, segment: list[Completion]) -> None:
        """Store `segment` as one file; answers to other keys than these are kept for whoever asks, and not counted.

        Raises:
            StoreError: as `commit`.
        """
        own = [completion for completion in segment if self.answers.has_place(completion.key)]
        others = [completion for completion in segment if not self.answers.has_place(completion.key)]
        if others:
            self._store.append(others, self._min_logprobs)
        # what another run has stored in the meantime is here for the second time
        fresh = [completion for completion in own if completion.key not in self.answers]
        self.done += len(fresh)
        self.commit(fresh)

    def tell(self, under_way: int) -> None:
        """Report progress, with `under_way` answers that are known to be there and not yet fetched."""
        self._report.progress(min(self.total, self.done + under_way), self.total, "answers")

    def _take(self, completion: Completion) -> None:
        self.answers.add(completion)
        self.bought.add(completion.prompt_tokens, completion.completion_tokens, completion.created, completion.seconds)

    def summary(self, start_seconds: float = 0.0) -> GenerationSummary:
        """Return what it took; `start_seconds` of it went into starting an engine."""
        asked = self.from_store < self.total
        return GenerationSummary(
            requests=self.total,
            from_store=self.from_store,
            generated=self.generated,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            engine_start_seconds=round(start_seconds, 3),
            seconds=round(time.monotonic() - self.started - start_seconds, 3) if asked else 0.0,
            usage=self.bought.total,
        )
