"""One engine of a comparison in a process of its own; it serves models of one shape in turn.

Starting an engine takes far longer than exchanging its weights. vLLM's own engine processes spin while they wait, which
slows the other engines; this process sleeps on its pipe.
"""

import json
import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from stillhouse import errors
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
        arguments = (engine_end, candidate.model_dump_json(), engine.model_dump_json(), job.model_dump_json())
        # not a daemon: an engine over several GPUs starts processes of its own
        self._process = context.Process(target=_serve, args=arguments)
        self._process.start()
        engine_end.close()
        self._loaded = candidate.path
        started = self._receive()
        self.on_cpu: bool = started["on_cpu"]
        self.kv_cache_bytes: int = started["kv_cache_bytes"]

    @property
    def pids(self) -> list[int]:
        """The engine's process; its children are not listed."""
        return [self._process.pid or 0]

    def load(self, candidate: Candidate) -> None:
        """Exchange the weights for the candidate's, which must have the same shape."""
        if candidate.path != self._loaded:
            self._call({"load": candidate.path})
            self._loaded = candidate.path

    def complete(self, requests: list[Request], decoding: DecodingSpec, concurrency: int) -> list[EngineReply]:
        """Return the replies in the order they finished."""
        call = {
            "requests": [request.model_dump() for request in requests],
            "decoding": decoding.model_dump(),
            "concurrency": concurrency,
        }
        return [EngineReply.model_validate(reply) for reply in self._call(call)["replies"]]

    def close(self) -> None:
        """End the engine's process, to free its memory; may be called twice."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        self._pipe.send_bytes(json.dumps(call).encode())
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        try:
            message: dict[str, Any] = json.loads(self._pipe.recv_bytes())
        except (EOFError, ConnectionError) as error:
            self._process.join(timeout=5)
            raise errors.WorkerError(
                f"the engine of {self._loaded} died with exit code {self._process.exitcode}"
            ) from error
        if "refused" in message:
            raise errors.ModelError(message["refused"])
        return message


def _serve(pipe: Connection, candidate_json: str, engine_json: str, job_json: str) -> None:
    """The engine's process: start, then answer calls until the pipe closes."""
    from vllm.platforms import current_platform

    from stillhouse.inference.vllm.engine import start_engine

    candidate = Candidate.model_validate_json(candidate_json)
    engine, job = Engine.model_validate_json(engine_json), Job.model_validate_json(job_json)
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
        pipe.send_bytes(json.dumps({"refused": str(error)}).encode())
        return
    kv_cache = llm.llm_engine.vllm_config.cache_config.kv_cache_memory_bytes
    pipe.send_bytes(json.dumps({"on_cpu": bool(current_platform.is_cpu()), "kv_cache_bytes": kv_cache}).encode())
    while True:
        try:
            call = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        pipe.send_bytes(json.dumps(_answer(llm, call)).encode())


def _answer(llm: Any, call: dict[str, Any]) -> dict[str, Any]:
    from stillhouse.inference.vllm.request import sampling_params
    from stillhouse.inference.vllm.stream import stream

    if "load" in call:
        llm.collective_rpc("reload_weights", kwargs={"weights_path": call["load"]})
        return {"loaded": call["load"]}
    decoding = DecodingSpec.model_validate(call["decoding"])
    params = sampling_params(decoding.sampling, decoding.constraint, 0, decoding.label_token_ids)
    requests = [Request.model_validate(request) for request in call["requests"]]
    replies = []
    for finished in stream(llm, requests, lambda _: params, call["concurrency"]):
        output = finished.output.outputs[0]
        replies.append(
            {
                "id": finished.request.key,
                "text": output.text,
                "completion_tokens": len(output.token_ids),
                "scores": _label_scores(output, decoding.label_token_ids),
            }
        )
    return {"replies": replies}


def _label_scores(output: Any, label_token_ids: list[int] | None) -> list[float] | None:
    if not label_token_ids or not output.logprobs:
        return None
    first = output.logprobs[0]
    # a token that the constraint rules out has minus infinity, which JSON does not know
    return [max(first[token].logprob, -100.0) if token in first else -100.0 for token in label_token_ids]
