"""Starts a vLLM engine in this process, sized for its job."""

import os
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.inference.loading import Loading, load_config
from stillhouse.inference.vllm.arguments import EngineModel, engine_arguments
from stillhouse.inference.vllm.kv_cache import kv_bytes_per_token
from stillhouse.inference.vllm.sizing import EnginePlan, Job, plan_on_cpu, plan_on_gpu
from stillhouse.recipe.engine import Engine


def environment_for(engine: Engine) -> dict[str, str]:
    """Return the environment variables of a worker with an engine; they must be set before torch is imported."""
    threads = engine.threads or len(os.sched_getaffinity(0))
    # an engine over several GPUs has a process for each, among which vLLM shares the cores itself
    cores = {"OMP_NUM_THREADS": str(threads)} if engine.threads or engine.num_gpus == 1 else {}
    return {
        **cores,
        # the engine's core stays in the worker: nothing to orphan, and one import of torch less at start
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def start_engine(path: str, *, revision: str, dtype: str, quantization: str, engine: Engine, job: Job) -> Any:
    """Return a vLLM `LLM` sized for `job`.

    Raises:
        ModelError: the model can't be loaded, or its context is too short for the longest prompt.
    """
    from vllm import LLM
    from vllm.platforms import current_platform

    config = load_config(path, revision)
    config.update(engine.arguments.get("hf_overrides", {}))
    if current_platform.is_cpu():
        plan = plan_on_cpu(engine, job, kv_bytes_per_token(config, dtype, engine.kv_cache_dtype))
    else:
        plan = plan_on_gpu(engine, job)
    _check_context(path, config, plan, job)
    with Loading(f"Model {path} can't be served"):
        return LLM(
            **_sizes(plan)
            | engine_arguments(
                EngineModel(path=path, revision=revision, dtype=dtype, quantization=quantization, engine=engine)
            )
        )


def _sizes(plan: EnginePlan) -> dict[str, Any]:
    return {
        "max_model_len": plan.max_model_len,
        "max_num_seqs": plan.max_num_seqs,
        "max_num_batched_tokens": plan.max_num_batched_tokens,
        "kv_cache_memory_bytes": plan.kv_cache_bytes,
        "enforce_eager": plan.is_eager,
        "enable_prefix_caching": plan.prefix_caching,
        "enable_chunked_prefill": plan.chunked_prefill,
    }


def _check_context(path: str, config: Any, plan: EnginePlan, job: Job) -> None:
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    if limit and plan.max_model_len > limit:
        raise ModelError(
            f"Model {path} reads {limit} tokens, but the longest prompt has {job.longest_prompt} and completions up to "
            f"{job.max_tokens}. Show fewer examples, lower max_prompt_chars or max_tokens, or take another model."
        )
