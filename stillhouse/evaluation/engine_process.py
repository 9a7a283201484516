"""One engine of a comparison in a process of its own; it serves models of one shape in turn.

Starting an engine takes far longer than exchanging its weights. vLLM's own engine processes spin while they wait, which
slows the other engines; this process sleeps on its pipe. Both sides send JSON and check what they receive: the pipe's
own `send` and `recv` would pickle.
"""

import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from stillhouse import errors
from stillhouse.completions.table import label_scores
from stillhouse.config import StrictModel
from stillhouse.evaluation.spec import Candidate
from stillhouse.inference.vllm.request import Request
from stillhouse.inference.vllm.sizing import Job
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.teacher import Sampling


class DecodingSpec(StrictModel):
    """How answers are decoded: greedy, under a constraint, with the log-probabilities of some tokens."""

    sampling: Sampling
    constraint: dict[str, Any]
    label_token_ids: list[int] | None
    with_special_tokens: bool = False


class EngineReply(StrictModel):
    """One answered request, as the engine's process sends it."""

    # pydantic would write NaN as null
    model_config = ConfigDict(ser_json_inf_nan="constants")

    id: str
    text: str
    completion_tokens: int
    scores: list[float] | None  # log-probabilities of the label tokens at the first position
    logprob: float | None  # of the whole completion (nats)


class _Load(StrictModel):
    """A folder of weights to load."""

    path: str


class _Complete(StrictModel):
    """Requests to complete."""

    requests: tuple[Request, ...]
    decoding: DecodingSpec
    concurrency: int
    cache_salt: str


_CALL: TypeAdapter[_Load | _Complete] = TypeAdapter(_Load | _Complete)


class _Answer(StrictModel):
    """What the engine's process says once it has started, and after each call."""

    refused: str | None = None  # why the model can't be loaded
    on_cpu: bool = False
    kv_cache_bytes: int = 0
    block_tokens: int = 0
    replies: tuple[EngineReply, ...] = ()


class EngineProcess:
    """An engine with the weights of one candidate loaded."""

    def __init__(self, candidate: Candidate, engine: Engine, job: Job) -> None:
        """Start the engine.

        Raises:
            ModelError: the model can't be loaded or its context is too short.
            WorkerError: the engine's process died.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, engine_end = context.Pipe()
        # not a daemon: an engine over several GPUs starts processes of its own
        self._process = context.Process(target=_serve, args=(engine_end, candidate, engine, job))
        self._process.start()
        engine_end.close()
        self._loaded = candidate.path
        started = self._receive()
        self.on_cpu, self.kv_cache_bytes = started.on_cpu, started.kv_cache_bytes
        self.block_tokens = started.block_tokens  # a prefix is cached in blocks of so many tokens

    @property
    def pids(self) -> list[int]:
        """The engine's process; its children are not listed."""
        return [self._process.pid or 0]

    def load(self, candidate: Candidate) -> None:
        """Exchange the weights for the candidate's, which must have the same shape."""
        if candidate.path != self._loaded:
            self._call(_Load(path=candidate.path))
            self._loaded = candidate.path

    def complete(
        self, requests: list[Request], decoding: DecodingSpec, concurrency: int, *, cache_salt: str
    ) -> list[EngineReply]:
        """Return the replies in the order they finished.

        What the engine has cached of a prompt serves calls of the same `cache_salt` alone. Other weights need another:
        exchanging them empties no cache.
        """
        call = _Complete(requests=tuple(requests), decoding=decoding, concurrency=concurrency, cache_salt=cache_salt)
        return list(self._call(call).replies)

    def close(self) -> None:
        """End the engine's process, to free its memory; may be called twice."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _call(self, call: _Load | _Complete) -> _Answer:
        self._pipe.send_bytes(call.model_dump_json().encode())
        return self._receive()

    def _receive(self) -> _Answer:
        try:
            answer = _Answer.model_validate_json(self._pipe.recv_bytes())
        except (EOFError, ConnectionError) as error:
            self._process.join(timeout=5)
            raise errors.WorkerError(
                f"the engine of {self._loaded} died with exit code {self._process.exitcode}"
            ) from error
        if answer.refused is not None:
            raise errors.ModelError(answer.refused)
        return answer


def _serve(pipe: Connection, candidate: Candidate, engine: Engine, job: Job) -> None:
    """The engine's process: start, then answer calls until the pipe closes."""
    from vllm.platforms import current_platform

    from stillhouse.inference.vllm.engine import start_engine
    from stillhouse.inference.vllm.kv_cache import allocated_bytes

    def answer(message: _Answer) -> None:
        pipe.send_bytes(message.model_dump_json().encode())

    try:
        llm = start_engine(
            candidate.path,
            revision=candidate.revision,
            dtype=candidate.dtype,
            quantization=candidate.quantization,
            engine=engine,
            job=job,
        )
    except errors.ModelError as error:
        answer(_Answer(refused=str(error)))
        return
    on_cpu, block_tokens = bool(current_platform.is_cpu()), llm.llm_engine.vllm_config.cache_config.block_size
    answer(_Answer(on_cpu=on_cpu, kv_cache_bytes=allocated_bytes(llm), block_tokens=block_tokens))
    while True:
        try:
            call = _CALL.validate_json(pipe.recv_bytes())
        except EOFError:
            return
        if isinstance(call, _Load):
            llm.collective_rpc("reload_weights", kwargs={"weights_path": call.path})
            answer(_Answer())
        else:
            answer(_Answer(replies=tuple(_replies(llm, call))))


def _replies(llm: Any, call: _Complete) -> list[EngineReply]:
    from stillhouse.inference.vllm.request import sampling_params
    from stillhouse.inference.vllm.stream import stream

    decoding = call.decoding
    params = sampling_params(
        decoding.sampling,
        decoding.constraint,
        0,
        decoding.label_token_ids,
        with_special_tokens=decoding.with_special_tokens,
    )
    replies = []
    for finished in stream(llm, call.requests, lambda _: params, call.concurrency, cache_salt=call.cache_salt):
        output = finished.output.outputs[0]
        first = [{token: entry.logprob for token, entry in step.items()} for step in (output.logprobs or [])[:1]]
        replies.append(
            EngineReply(
                id=finished.request.key,
                text=output.text,
                completion_tokens=len(output.token_ids),
                scores=label_scores(first, decoding.label_token_ids),
                logprob=output.cumulative_logprob,
            )
        )
    return replies
