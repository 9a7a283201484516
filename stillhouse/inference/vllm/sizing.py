"""Sizes an engine for a job: arithmetic over the requests to come, the same for every model of a comparison."""

import math

from stillhouse.config import StrictModel
from stillhouse.recipe.teacher import Engine

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


class EnginePlan(StrictModel):
    """The sizes an engine starts with."""

    max_model_len: int
    max_num_seqs: int
    kv_cache_bytes: int
    is_eager: bool
    prefix_caching: bool
    chunked_prefill: bool


def plan_engine(engine: Engine, job: Job, kv_bytes_per_token: int, *, on_cpu: bool) -> EnginePlan:
    """Return the engine's sizes for `job`; a value the recipe sets wins over the job's.

    The KV cache holds (longest prompt + completion) times the sequences in flight, in whole blocks. Seeded sampling
    under chunked prefill or prefix caching crashes the CPU engine, so both are off there.
    """
    length = engine.max_model_len or job.longest_prompt + job.max_tokens + 1
    num_seqs = engine.max_num_seqs or max(1, min(MAX_NUM_SEQS, job.num_requests))
    blocks = math.ceil(length / _BLOCK_TOKENS) + 1
    kv_cache = int(engine.kv_cache_gib * GIB) or blocks * _BLOCK_TOKENS * num_seqs * kv_bytes_per_token
    plain = on_cpu and job.is_seeded
    return EnginePlan(
        max_model_len=length,
        max_num_seqs=num_seqs,
        kv_cache_bytes=kv_cache,
        is_eager=_is_eager(engine, job),
        prefix_caching=engine.prefix_caching and not plain,
        chunked_prefill=not plain,
    )


def _is_eager(engine: Engine, job: Job) -> bool:
    if engine.mode != "auto":
        return engine.mode == "eager"
    return job.num_requests * (job.longest_prompt + job.max_tokens) < COMPILE_FROM_TOKENS
