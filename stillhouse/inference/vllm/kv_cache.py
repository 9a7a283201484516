"""The memory of a KV cache: what a token takes in it by the model's configuration, and what an engine has set aside."""

from typing import Any


def kv_bytes_per_token(config: Any, dtype: str = "bfloat16", kv_cache_dtype: str = "auto") -> int:
    """Return the bytes one token takes in a KV cache: keys and values of each layer and head.

    Its numbers are of `kv_cache_dtype`; auto takes the model's `dtype`.

    `config` may be of a model that wraps a language model, as those that see do. Where layers differ, engines give each
    the memory of the largest.
    """
    layers = config.get_text_config().per_layer_config
    return int(2 * _number_bytes(dtype, kv_cache_dtype) * len(layers) * max(_values_per_token(one) for one in layers))


def latent_bytes_per_token(config: Any, dtype: str = "bfloat16", kv_cache_dtype: str = "auto") -> int:
    """Return the bytes one token takes on GPUs in the KV cache of latent attention, as DeepSeek's models have; else 0.

    A layer keeps one compressed vector and the part that knows its position.
    """
    layers = config.get_text_config().per_layer_config
    numbers = sum(layer.kv_lora_rank + layer.qk_rope_head_dim for layer in layers if getattr(layer, "kv_lora_rank", 0))
    return int(numbers * _number_bytes(dtype, kv_cache_dtype))


def _number_bytes(dtype: str, kv_cache_dtype: str) -> int:
    if kv_cache_dtype in ("auto", "float16", "bfloat16"):
        return 4 if (dtype, kv_cache_dtype) == ("float32", "auto") else 2
    # of 8 bits; of those of 4 bits the scales count too, which differ by kind
    return 1


def _values_per_token(layer: Any) -> int:
    # a model without attention keeps a state, which is not larger
    num_heads = getattr(layer, "num_attention_heads", 1)
    head_dim = getattr(layer, "head_dim", None) or layer.hidden_size // num_heads
    return int((getattr(layer, "num_key_value_heads", None) or num_heads) * head_dim)


def allocated_bytes(llm: Any) -> int:
    """Return the bytes of the KV caches that a started engine has set aside, over all its devices."""
    config = llm.llm_engine.vllm_config
    if config.cache_config.kv_cache_memory_bytes is not None:
        per_device = config.cache_config.kv_cache_memory_bytes
    else:
        # vLLM has measured how much there is room for; the engine's core is in this process
        tensors = llm.llm_engine.engine_core.engine_core.scheduler.kv_cache_config.kv_cache_tensors
        per_device = sum(tensor.size for tensor in tensors)
    return int(per_device * config.parallel_config.world_size)
