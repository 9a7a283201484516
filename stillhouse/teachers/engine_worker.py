"""Generates the completions that the store lacks with an engine, and stores them as they finish.

Command: `python -m stillhouse.teachers.engine_worker spec.json`
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stillhouse.completions.completion import Completion, utc_now
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.errors import ModelError
from stillhouse.inference.vllm.answer_tokens import num_spelling
from stillhouse.inference.vllm.engine import start_engine
from stillhouse.inference.vllm.request import AnyRequest, sampling_params
from stillhouse.inference.vllm.sizing import Job
from stillhouse.inference.vllm.stream import FinishedRequest, stream
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.requests import PreparedRequests, open_recorder
from stillhouse.teachers.spec import GenerateSpec

# requests in the engine beyond those it decodes at once, so that a finished one is replaced without a gap
_AHEAD = 256


def generate(spec: GenerateSpec, reporter: Reporter, start: Callable[..., Any] = start_engine) -> dict[str, Any]:
    """Write `completions.parquet`, with a completion for every row of the spec, and return what it took.

    `start` makes the engine; it is called for the first missing completion, so a full store needs no engine.
    """
    prepared = PreparedRequests(spec, reporter.beat)
    requester = EngineRequester(prepared, prepared.requests, reporter, start)
    requester.request(prepared.requests)
    requester.recorder.completions.write(prepared.slots, Path(spec.out) / "completions.parquet", reporter.beat)
    return requester.summary().to_record()


class EngineRequester:
    """Sends requests to the engine and commits a segment of completions every few seconds."""

    def __init__(
        self, prepared: PreparedRequests, requests: Sequence[AnyRequest], reporter: Reporter, start: Callable[..., Any]
    ) -> None:
        """Look up the stored completions of `requests`; the engine starts with the first missing one."""
        self._prepared = prepared
        self._teacher = prepared.spec.teacher
        keys = [request.key for request in requests]
        self.recorder: CompletionRecorder = open_recorder(prepared.spec, keys, reporter, prepared.form)
        self._reporter = reporter
        self._start = start
        self._start_seconds = 0.0

    def request(self, requests: Sequence[AnyRequest]) -> None:
        """Generate the missing completions of `requests`; they are in the store before this returns.

        Raises:
            BudgetSpent: the budget allows no further request; what came is stored.
            ModelError: the engine can't be started.
            ClaimLost: another run may ask for the same by now.
        """
        with self.recorder.asking(requests) as missing:
            if missing:
                self._request(missing)

    def _request(self, missing: Sequence[AnyRequest]) -> None:
        if not self.recorder.budget.can_reserve(*self._needed(missing[0])):
            # no engine is started for nothing
            raise self.recorder.budget_error()
        llm = self._start_engine(missing)
        sampling = self._teacher.sampling
        params = [
            sampling_params(
                sampling,
                self._prepared.constraint,
                index,
                self._prepared.label_token_ids,
                with_special_tokens=self._prepared.shows_special_tokens,
            )
            for index in range(sampling.n)
        ]
        in_flight = llm.llm_engine.vllm_config.scheduler_config.max_num_seqs + _AHEAD
        beat = self.recorder.report_progress
        self._store(
            stream(llm, missing, lambda request: params[request.rollout_index], in_flight, self._reserve, beat=beat)
        )
        if self.recorder.missing(missing):
            raise self.recorder.budget_error()

    def summary(self) -> GenerationSummary:
        """Return the generation's numbers."""
        return self.recorder.summary(self._start_seconds)

    def _start_engine(self, missing: Sequence[AnyRequest]) -> Any:
        if self._prepared.spec.refusal:
            raise ModelError(self._prepared.spec.refusal)
        job = Job(
            num_requests=len(missing),
            longest_prompt=max(request.num_tokens for request in missing),
            max_tokens=self._teacher.sampling.max_tokens,
            is_seeded=self._teacher.sampling.temperature > 0,
        )
        started = time.monotonic()
        self._reporter.log(f"starting the engine for {len(missing)} requests")
        llm = self._start(
            self._prepared.spec.model_path,
            revision=self._teacher.revision,
            dtype=self._teacher.dtype,
            quantization=self._teacher.quantization,
            engine=self._teacher.engine,
            job=job,
        )
        self._start_seconds = time.monotonic() - started
        return llm

    def _reserve(self, request: AnyRequest) -> bool:
        """Return whether the budget allows the request, and set aside what it may take."""
        self.recorder.check_claim()
        needed = self._needed(request)
        if not self.recorder.budget.can_reserve(*needed):
            return False
        self.recorder.budget.reserve(request.key, *needed)
        return True

    def _needed(self, request: AnyRequest) -> tuple[int, int]:
        return request.num_tokens, self._teacher.sampling.max_tokens

    def _store(self, finished: Iterator[FinishedRequest]) -> None:
        segment: list[Completion] = []
        last_commit = time.monotonic()
        for one in finished:
            completion = self._completion(one)
            segment.append(completion)
            self.recorder.budget.settle(
                completion.key, completion.prompt_tokens, completion.completion_tokens, completion.seconds
            )
            self.recorder.num_done += 1
            if time.monotonic() - last_commit >= self._teacher.engine.segment_seconds:
                self.recorder.commit(segment)
                segment, last_commit = [], time.monotonic()
        self.recorder.commit(segment)

    def _completion(self, finished: FinishedRequest) -> Completion:
        output = finished.output.outputs[0]
        logprobs = [{int(token): entry.logprob for token, entry in step.items()} for step in output.logprobs or []]
        token_ids, total = tuple(output.token_ids), output.cumulative_logprob
        if (own := self._num_own(output)) < len(token_ids):
            token_ids, logprobs = token_ids[:own], logprobs[:own]
            total = sum(step[token] for token, step in zip(token_ids, logprobs, strict=True)) if logprobs else None
        return Completion(
            key=finished.request.key,
            # with the block's mark, so that it is known for what it is wherever the text is read
            text=self._prepared.opened_block + output.text,
            finish_reason=output.finish_reason or "error:unknown",
            prompt_tokens=finished.request.num_tokens,
            completion_tokens=len(output.token_ids),
            token_ids=token_ids,
            logprobs=tuple(logprobs),
            cumulative_logprob=total,
            seconds=round(finished.seconds, 4),
            teacher=self.recorder.teacher,
            created=utc_now(),
        )

    def _num_own(self, output: Any) -> int:
        """Return how many tokens are the answer's; those of a stop text that ended it are paid for, and are none."""
        if not self._teacher.sampling.stop or not isinstance(output.stop_reason, str):
            return len(output.token_ids)
        prepared = self._prepared
        return num_spelling(
            prepared.tokenizer, output.token_ids, output.text, with_special_tokens=prepared.shows_special_tokens
        )


if __name__ == "__main__":
    serve(GenerateSpec, generate)
