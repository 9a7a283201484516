"""Sizes an engine for a job: arithmetic over the requests to come, the same for every model of a comparison.

On a CPU all is counted here. On GPUs vLLM itself measures what the weights leave of `gpu_memory_utilization` and gives
it to the KV cache, and takes as many sequences as suit the GPU.
"""

import math

from stillhouse.config import StrictModel
from stillhouse.recipe.engine import Engine

GIB = 2**30
# Measured on 2 cores with a 135M model (tests/benchmarks/engine_settings.py). Compiling costs 140 s more at start and
# takes 14 to 28 % less time, which pays from 0.6 to 1.5 million tokens on.
COMPILE_FROM_TOKENS = 1_000_000
# 64 sequences 1399 tokens/s, 128 sequences 1501, 256 sequences 1517: beyond this only the KV cache grows
MAX_NUM_SEQS = 128
_BLOCK_TOKENS = 128


class Job(StrictModel):
    """The requests that an engine will get."""

    num_requests: int
    longest_prompt: int  # tokens
    max_tokens: int  # completion tokens at most
    is_seeded: bool = False  # sampled with a seed, not greedy
    is_measured: bool = False  # its times stand in a report


class EnginePlan(StrictModel):
    """The sizes an engine starts with; None is left to vLLM."""

    max_model_len: int
    max_num_seqs: int | None
    max_num_batched_tokens: int | None
    kv_cache_bytes: int | None  # of each GPU
    is_eager: bool
    prefix_caching: bool
    chunked_prefill: bool


def plan_on_cpu(engine: Engine, job: Job, kv_bytes_per_token: int) -> EnginePlan:
    """Return the engine's sizes for `job` on a CPU; a value the recipe sets wins over the job's.

    The KV cache holds (longest prompt + completion) times the sequences in flight, in whole blocks. Seeded sampling
    under chunked prefill or prefix caching crashes the CPU engine, so both are off there.
    """
    length = _length(engine, job)
    num_seqs = engine.max_num_seqs or max(1, min(MAX_NUM_SEQS, job.num_requests))
    blocks = math.ceil(length / _BLOCK_TOKENS) + 1
    return EnginePlan(
        max_model_len=length,
        max_num_seqs=num_seqs,
        max_num_batched_tokens=max(2048, length, num_seqs),
        kv_cache_bytes=_given_kv_cache(engine) or blocks * _BLOCK_TOKENS * num_seqs * kv_bytes_per_token,
        is_eager=_is_eager(engine, job, on_cpu=True),
        prefix_caching=engine.prefix_caching and not job.is_seeded,
        chunked_prefill=not job.is_seeded,
    )


def plan_on_gpu(engine: Engine, job: Job) -> EnginePlan:
    """Return what of the engine's sizes is not left to vLLM on GPUs."""
    return EnginePlan(
        max_model_len=_length(engine, job),
        max_num_seqs=engine.max_num_seqs or None,
        max_num_batched_tokens=None,
        kv_cache_bytes=_given_kv_cache(engine),
        is_eager=_is_eager(engine, job, on_cpu=False),
        prefix_caching=engine.prefix_caching,
        chunked_prefill=True,
    )


def _length(engine: Engine, job: Job) -> int:
    return engine.max_model_len or job.longest_prompt + job.max_tokens + 1


def _given_kv_cache(engine: Engine) -> int | None:
    return int(engine.kv_cache_gib * GIB) or None


def _is_eager(engine: Engine, job: Job, *, on_cpu: bool) -> bool:
    if engine.mode != "auto":
        return engine.mode == "eager"
    if job.is_measured:
        # as it would be served: on a GPU a small model that runs eagerly waits for the launch of its kernels
        return on_cpu
    return job.num_requests * (job.longest_prompt + job.max_tokens) < COMPILE_FROM_TOKENS
