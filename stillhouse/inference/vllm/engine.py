"""Starts a vLLM engine in this process, sized for its job."""

import os
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.inference.loading import Loading, load_config
from stillhouse.inference.vllm.sizing import EnginePlan, Job, plan_engine
from stillhouse.recipe.teacher import Engine


def environment_for(engine: Engine) -> dict[str, str]:
    """Return the environment variables of a worker with an engine; they must be set before torch is imported."""
    threads = engine.threads or len(os.sched_getaffinity(0))
    return {
        "OMP_NUM_THREADS": str(threads),
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
    plan = plan_engine(engine, job, kv_bytes_per_token(config, dtype), on_cpu=current_platform.is_cpu())
    _check_context(path, config, plan, job)
    with Loading(f"Model {path} can't be served"):
        return LLM(
            model=path,
            revision=revision or None,
            dtype=dtype,
            quantization=quantization or None,
            trust_remote_code=False,
            load_format="safetensors",
            seed=0,
            max_model_len=plan.max_model_len,
            max_num_seqs=plan.max_num_seqs,
            max_num_batched_tokens=max(2048, plan.max_model_len, plan.max_num_seqs),
            kv_cache_memory_bytes=plan.kv_cache_bytes,
            enforce_eager=plan.is_eager,
            enable_prefix_caching=plan.prefix_caching,
            enable_chunked_prefill=plan.chunked_prefill,
            tensor_parallel_size=engine.tensor_parallel,
            gpu_memory_utilization=engine.gpu_memory_utilization,
            # rows are text: of a model that sees, the parts that see are not loaded
            language_model_only=True,
            disable_log_stats=True,
        )


def kv_bytes_per_token(config: Any, dtype: str = "bfloat16") -> int:
    """Return the bytes one token takes in a KV cache of numbers of `dtype`: keys and values of each layer and head.

    `config` may be of a model that wraps a language model, as those that see do. Where layers differ, engines give each
    the memory of the largest.
    """
    layers = config.get_text_config().per_layer_config
    return int(2 * (4 if dtype == "float32" else 2) * len(layers) * max(_values_per_token(layer) for layer in layers))


def _values_per_token(layer: Any) -> int:
    # a model without attention keeps a state, which is not larger
    num_heads = getattr(layer, "num_attention_heads", 1)
    head_dim = getattr(layer, "head_dim", None) or layer.hidden_size // num_heads
    return int((getattr(layer, "num_key_value_heads", None) or num_heads) * head_dim)


def _check_context(path: str, config: Any, plan: EnginePlan, job: Job) -> None:
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    if limit and plan.max_model_len > limit:
        raise ModelError(
            f"Model {path} reads {limit} tokens, but the longest prompt has {job.longest_prompt} and completions up to "
            f"{job.max_tokens}. Show fewer examples, lower max_prompt_chars or max_tokens, or take another model."
        )
