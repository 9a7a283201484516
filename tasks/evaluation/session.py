"""One live engine of a comparison, which serves models of one shape in turn.

Separate because starting an engine takes far longer than exchanging its weights.
"""

import os
import time
from typing import Any

import psutil

from tasks.engines.plan import Job, plan_engine
from tasks.engines.request import Request
from tasks.engines.start import kv_bytes_per_token, start_engine
from tasks.engines.stream import Answer, stream
from tasks.evaluation.spec import Candidate
from tasks.recipe.teacher import Engine


class Session:
    """An engine in a process of its own, with the weights of one candidate loaded."""

    def __init__(self, candidate: Candidate, engine: Engine, job: Job) -> None:
        """Start the engine.

        Raises:
            ModelError: as `start_engine`.
        """
        before = set(_children())
        self._loaded = candidate.path
        self.llm = start_engine(
            candidate.path,
            revision=candidate.revision,
            dtype=candidate.dtype,
            quantization=candidate.quantization,
            engine=engine,
            job=job,
        )
        # the front end is this process; the engine's core and its helpers are its new children
        self.pids = [os.getpid(), *sorted(set(_children()) - before)]
        config = self.llm.llm_engine.vllm_config
        self.kv_cache_bytes = plan_engine(
            engine, job, kv_bytes_per_token(config.model_config.hf_text_config), on_cpu=self.on_cpu
        ).kv_cache_bytes

    @property
    def on_cpu(self) -> bool:
        """Whether the engine computes on the CPU."""
        from vllm.platforms import current_platform

        return bool(current_platform.is_cpu())

    def load(self, candidate: Candidate) -> None:
        """Exchange the weights for the candidate's, which must have the same shape."""
        if candidate.path != self._loaded:
            self.llm.collective_rpc("reload_weights", kwargs={"weights_path": candidate.path})
            self._loaded = candidate.path

    def ask(self, requests: list[Request], params: Any, concurrency: int) -> list[Answer]:
        """Return the answers in the order they finished."""
        return list(stream(self.llm, requests, lambda _: params, concurrency))

    def close(self) -> None:
        """End the engine and wait until its processes are gone, so that the next one has the memory."""
        self.llm.llm_engine.engine_core.shutdown()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and any(psutil.pid_exists(pid) for pid in self.pids[1:]):
            time.sleep(0.1)


def _children() -> list[int]:
    return [child.pid for child in psutil.Process().children(recursive=True)]
