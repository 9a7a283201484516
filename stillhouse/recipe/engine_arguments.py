"""Which further arguments of vLLM's EngineArgs a recipe may set, and which of them can't change an answer.

Names and values are checked against vLLM's own class before work starts, in the engine environment: see
stillhouse/inference/vllm/check_worker.py.
"""

import re
from collections.abc import Iterator
from typing import Any

# vLLM's name -> the field of a recipe that says it
_FIELDS = {
    "model": "model",
    "revision": "revision",
    "dtype": "dtype",
    "quantization": "quantization",
    "tensor_parallel_size": "engine.tensor_parallel",
    "pipeline_parallel_size": "engine.pipeline_parallel",
    "enable_expert_parallel": "engine.expert_parallel",
    "kv_cache_dtype": "engine.kv_cache_dtype",
    "kv_cache_memory_bytes": "engine.kv_cache_gib",
    "gpu_memory_utilization": "engine.gpu_memory_utilization",
    "max_model_len": "engine.max_model_len",
    "max_num_seqs": "engine.max_num_seqs",
    "enforce_eager": "engine.mode",
    "enable_prefix_caching": "engine.prefix_caching",
    "seed": "sampling.seed",
}
_DATA_PARALLEL = "an engine here is one copy of its model: set the teacher's `replicas` for several"
_ONE_MACHINE = (
    "an engine here runs on one machine: serve the model with `vllm serve` on several, and name that server as the "
    "teacher's endpoint, with provider: vllm"
)
_CODE = "a recipe can't name code, nor files of it"
_STARTED = "Stillhouse sets it itself as it starts the engine"
# what names begin with, or are -> the reason
_REFUSED = {
    "data_parallel": _DATA_PARALLEL,
    "nnodes": _ONE_MACHINE,
    "node_rank": _ONE_MACHINE,
    "master_": _ONE_MACHINE,
    "trust_remote_code": _CODE,
    "code_revision": _CODE,
    "worker_cls": _CODE,
    "worker_extension_cls": _CODE,
    "scheduler_cls": _CODE,
    "model_class_overrides": _CODE,
    "logits_processors": _CODE,
    "io_processor_plugin": _CODE,
    "reasoning_parser_plugin": _CODE,
    "kv_transfer_config": _CODE,
    "ec_transfer_config": _CODE,
    "load_format": "weights are read from *.safetensors alone, since other formats can run code",
    "hf_token": "a recipe holds no secret: set the variable HF_TOKEN",
    "language_model_only": _STARTED,
    "disable_log_stats": _STARTED,
    "enable_chunked_prefill": _STARTED,
    "skip_tokenizer_init": _STARTED,
}
# Where or how fast an engine runs, what the names begin with. All others may change an answer.
_PLACEMENT = (
    *("all2all_", "async_scheduling", "attention_backend", "block_size", "compilation_config", "cpu_offload_"),
    *("cudagraph_", "dcp_", "decode_context_parallel_size", "device_ids", "disable_cascade_attn"),
    *("disable_custom_all_reduce", "distributed_", "download_dir", "enable_dbo", "enable_eplb", "eplb_"),
    *("expert_placement_strategy", "kv_offloading_", "linear_backend", "long_prefill_", "max_cudagraph_capture_size"),
    *("max_num_active_seqs", "max_num_batched_tokens", "max_num_queued_", "max_num_scheduled_tokens"),
    *("max_parallel_loading_workers", "moe_backend", "num_gpu_blocks_override", "numa_", "offload_"),
    *("optimization_level", "performance_mode", "prefix_cach", "safetensors_", "scheduling_policy", "stream_interval"),
    *("ubatch_size", "use_tqdm_on_load", "watermark"),
)
# a class or function by its place in a package: vLLM would import it
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def find_refusal(name: str, value: Any) -> str | None:
    """Return why a recipe may not set the argument `name` to `value`, with what to do; None if it may."""
    if field := _FIELDS.get(name):
        return f"{name} is said by the field {field}: set that one"
    if reason := next((reason for start, reason in _REFUSED.items() if name.startswith(start)), None):
        return f"{name} can't be set: {reason}"
    if code := next((text for text in _texts(value) if _DOTTED.fullmatch(text)), None):
        return f"{name}: {code!r} can't be set: {_CODE}"
    return None


def is_placement(name: str) -> bool:
    """Return whether the argument only says where or how fast an engine runs, and so enters no key."""
    return name.startswith(_PLACEMENT)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for item in inner:
        yield from _texts(item)
