"""One engine of a comparison in a process of its own; it serves models of one shape in turn.

Starting an engine takes far longer than exchanging its weights. vLLM's own engine processes spin while they wait, which
slows the other engines; this process sleeps on its pipe.
"""

import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from stillhouse import errors
from stillhouse.completions.table import label_scores
from stillhouse.config import StrictModel
from stillhouse.evaluation.spec import Candidate
from stillhouse.inference.vllm.request import Request
from stillhouse.inference.vllm.sizing import Job
from stillhouse.recipe.teacher import Engine, Sampling


class DecodingSpec(StrictModel):
    """How answers are decoded: greedy, under a constraint, with the log-probabilities of some tokens."""

    sampling: Sampling
    constraint: dict[str, Any]
    label_token_ids: list[int] | None


class EngineReply(StrictModel):
    """One answered request, as the engine's process sends it."""

    id: str
    text: str
    completion_tokens: int
    scores: list[float] | None  # log-probabilities of the label tokens at the first position


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
        self.on_cpu: bool
        self.kv_cache_bytes: int
        self.on_cpu, self.kv_cache_bytes = self._receive()

    @property
    def pids(self) -> list[int]:
        """The engine's process; its children are not listed."""
        return [self._process.pid or 0]

    def load(self, candidate: Candidate) -> None:
        """Exchange the weights for the candidate's, which must have the same shape."""
        if candidate.path != self._loaded:
            self._call(candidate.path)
            self._loaded = candidate.path

    def complete(self, requests: list[Request], decoding: DecodingSpec, concurrency: int) -> list[EngineReply]:
        """Return the replies in the order they finished."""
        replies: list[EngineReply] = self._call((requests, decoding, concurrency))
        return replies

    def close(self) -> None:
        """End the engine's process, to free its memory; may be called twice."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _call(self, call: Any) -> Any:
        self._pipe.send(call)
        return self._receive()

    def _receive(self) -> Any:
        try:
            message = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join(timeout=5)
            raise errors.WorkerError(
                f"the engine of {self._loaded} died with exit code {self._process.exitcode}"
            ) from error
        if isinstance(message, errors.ModelError):
            raise message
        return message


def _serve(pipe: Connection, candidate: Candidate, engine: Engine, job: Job) -> None:
    """The engine's process: start, then answer calls until the pipe closes.

    A call is the path of weights to load, or requests with their decoding and concurrency.
    """
    from vllm.platforms import current_platform

    from stillhouse.inference.vllm.engine import start_engine

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
        pipe.send(error)
        return
    pipe.send((bool(current_platform.is_cpu()), llm.llm_engine.vllm_config.cache_config.kv_cache_memory_bytes))
    while True:
        try:
            call = pipe.recv()
        except EOFError:
            return
        if isinstance(call, str):
            llm.collective_rpc("reload_weights", kwargs={"weights_path": call})
            pipe.send(None)
        else:
            pipe.send(_complete(llm, *call))


def _complete(llm: Any, requests: list[Request], decoding: DecodingSpec, concurrency: int) -> list[EngineReply]:
    from stillhouse.inference.vllm.request import sampling_params
    from stillhouse.inference.vllm.stream import stream

    params = sampling_params(decoding.sampling, decoding.constraint, 0, decoding.label_token_ids)
    replies = []
    for finished in stream(llm, requests, lambda _: params, concurrency):
        output = finished.output.outputs[0]
        first = [{token: entry.logprob for token, entry in step.items()} for step in (output.logprobs or [])[:1]]
        replies.append(
            EngineReply(
                id=finished.request.key,
                text=output.text,
                completion_tokens=len(output.token_ids),
                scores=label_scores(first, decoding.label_token_ids),
            )
        )
    return replies
