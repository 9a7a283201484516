"""Asks the teacher what no stored answer covers yet, and stores answers as they finish.

Separate because it runs in the engine environment: `python -m stillhouse.teachers.worker spec.json`.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import Completion
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.errors import BudgetSpent
from stillhouse.inference.vllm.engine import start_engine
from stillhouse.inference.vllm.request import Request, sampling_params
from stillhouse.inference.vllm.sizing import Job
from stillhouse.inference.vllm.stream import Answer, stream
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.requests import PreparedRequests, rows_of
from stillhouse.teachers.spec import AskSpec, GenerateSpec

# requests in the engine beyond those it decodes at once, so that a finished one is replaced without a gap
_AHEAD = 256


def generate(spec: GenerateSpec, report: Reporter, start: Callable[..., Any] = start_engine) -> dict[str, Any]:
    """Answer every row of the spec, write `completions.parquet`, and return what it took.

    `start` makes the engine; it is called with the first question only, so a full store needs none.
    """
    asked = PreparedRequests(spec, rows_of(spec))
    answered = answer(spec, asked, asked.requests, report, start)
    places = ((row["id"], index, key) for row, index, key in asked.places)
    answered.answers.write(places, Path(spec.out) / "completions.parquet")
    return answered.summary.record()


def open_books(spec: AskSpec, keys: Iterable[str], report: Reporter, scored: list[int] | None) -> CompletionRecorder:
    """Return the books of a local teacher's answers to `keys`."""
    return CompletionRecorder(
        keys,
        report,
        store=spec.store,
        teacher=spec.teacher_fingerprint,
        cap=spec.cap,
        scored=scored,
        min_logprobs=spec.teacher.sampling.logprobs,
    )


@dataclass(frozen=True)
class Answered:
    """The answers by key, and what it took to have them."""

    answers: CompletionBuffer
    summary: GenerationSummary


def answer(
    spec: AskSpec, asked: "PreparedRequests", requests: list[Request], report: Reporter, start: Callable[..., Any]
) -> Answered:
    """Return an answer to each of `requests`: from the store, else asked now and stored."""
    books = open_books(spec, [request.id for request in requests], report, asked.scored)
    missing = [request for request in requests if request.id not in books.answers]
    fresh = EngineRequester(spec, asked, books, report, start)
    if missing:
        fresh.ask(missing)
    return Answered(books.answers, books.summary(fresh.start_seconds))


class EngineRequester:
    """Asks the engine and commits a segment of answers every few seconds."""

    def __init__(
        self,
        spec: AskSpec,
        asked: PreparedRequests,
        books: CompletionRecorder,
        report: Reporter,
        start: Callable[..., Any],
    ) -> None:
        """Remember where answers go; the engine starts with the first question."""
        self.spec = spec
        self.asked = asked
        self.books = books
        self._start = start
        self.report = report
        self.start_seconds = 0.0

    def ask(self, requests: list[Request]) -> None:
        """Stream `requests` through the engine; answers are in the store before this returns.

        Raises:
            BudgetSpent: the budget allows no further request; what came is stored.
        """
        teacher = self.spec.teacher
        if not self.books.budget.can_reserve(*self._needed(requests[0])):
            # no engine is started for nothing
            raise self._spent()
        job = Job(
            num_requests=len(requests),
            longest_prompt=max(len(request.token_ids) for request in requests),
            max_tokens=teacher.sampling.max_tokens,
            is_seeded=teacher.sampling.temperature > 0,
        )
        started = time.monotonic()
        self.report.log(f"starting the engine for {len(requests)} requests")
        llm = self._start(
            self.spec.model_path,
            revision=teacher.revision,
            dtype=teacher.dtype,
            quantization=teacher.quantization,
            engine=teacher.engine,
            job=job,
        )
        self.start_seconds = time.monotonic() - started
        params = {
            index: sampling_params(teacher.sampling, self.asked.constraint, index, self.asked.scored)
            for index in range(teacher.sampling.n)
        }
        in_flight = llm.llm_engine.vllm_config.scheduler_config.max_num_seqs + _AHEAD
        self._keep(stream(llm, requests, lambda request: params[request.sample_index], in_flight, self._may_send))
        if any(request.id not in self.books.answers for request in requests):
            raise self._spent()

    def _may_send(self, request: Request) -> bool:
        """Return whether the budget allows the request, and set aside what it may take."""
        needed = self._needed(request)
        if not self.books.budget.can_reserve(*needed):
            return False
        self.books.budget.reserve(request.id, *needed)
        return True

    def _needed(self, request: Request) -> tuple[int, int]:
        return len(request.token_ids), self.spec.teacher.sampling.max_tokens

    def _spent(self) -> BudgetSpent:
        return self.books.budget.exceeded_error(self.books.total - self.books.done, self.books.total)

    def _keep(self, answers: Iterator[Answer]) -> None:
        segment: list[Completion] = []
        last_commit = time.monotonic()
        for answer in answers:
            completion = self._completion(answer)
            segment.append(completion)
            self.books.budget.settle(
                completion.key, completion.prompt_tokens, completion.completion_tokens, completion.seconds
            )
            self.books.done += 1
            if time.monotonic() - last_commit >= self.spec.teacher.engine.segment_seconds:
                self.books.commit(segment)
                segment, last_commit = [], time.monotonic()
        self.books.commit(segment)

    def _completion(self, answer: Answer) -> Completion:
        output = answer.output.outputs[0]
        logprobs = [{int(token): entry.logprob for token, entry in step.items()} for step in output.logprobs or []]
        return Completion(
            key=answer.request.id,
            text=output.text,
            finish_reason=output.finish_reason or "error:unknown",
            prompt_tokens=len(answer.request.token_ids),
            completion_tokens=len(output.token_ids),
            token_ids=tuple(output.token_ids),
            logprobs=tuple(logprobs),
            cumulative_logprob=output.cumulative_logprob,
            seconds=round(answer.seconds, 4),
            teacher=self.spec.teacher_fingerprint,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )


if __name__ == "__main__":
    serve(GenerateSpec, generate)
