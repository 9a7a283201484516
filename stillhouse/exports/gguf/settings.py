"""A student's configuration as the entries of a GGUF file, and the tensors that rotary positions add."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gguf import GGUFWriter, RopeScalingType
from numpy.typing import NDArray

from stillhouse.exports.gguf.families import Family, head_size, rope_parts

Floats = NDArray[np.float32]


def write_settings(writer: GGUFWriter, config: Any, family: Family) -> None:
    """Write the sizes of the model and what llama.cpp must know of its attention."""
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(context_length(config, family))
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_key_length(head_size(config))
    writer.add_value_length(head_size(config))
    writer.add_rope_dimension_count(_turned(config))
    if family.window_pattern > 1:
        writer.add_sliding_window(config.sliding_window)
    elif family.arch == "PHI3":
        # without this entry llama.cpp takes the window of the first Phi-3
        writer.add_sliding_window(0)
    for name in ("attn_logit_softcapping", "final_logit_softcapping"):
        if value := getattr(config, name, None):
            getattr(writer, f"add_{name}")(value)
    _write_rope(writer, config)


def context_length(config: Any, family: Family) -> int:
    """Return the most tokens for which llama.cpp computes what transformers does.

    llama.cpp knows no window in these families' attention, and takes the factors for long texts for short ones too once
    its context is longer than the original one.
    """
    most = [int(config.max_position_embeddings)]
    window = getattr(config, "sliding_window", None)
    if family.window_pattern == 1 and window and getattr(config, "use_sliding_window", True):
        most.append(int(window))
    if rope_parts(config)["full_attention"]["rope_type"] == "longrope":
        most.append(int(_original(config)))
    return min(most)


def _turned(config: Any) -> int:
    """Return how many of a head's numbers rotary positions turn."""
    share = rope_parts(config)["full_attention"].get("partial_rotary_factor", 1.0)
    return int(head_size(config) * share)


def _original(config: Any) -> int:
    rope = rope_parts(config)["full_attention"]
    return int(rope.get("original_max_position_embeddings") or config.original_max_position_embeddings)


def _write_rope(writer: GGUFWriter, config: Any) -> None:
    parts = rope_parts(config)
    rope = parts["full_attention"]
    writer.add_rope_freq_base(rope["rope_theta"])
    if "sliding_attention" in parts:
        writer.add_rope_freq_base_swa(parts["sliding_attention"]["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    elif rope["rope_type"] == "longrope":
        writer.add_rope_scaling_type(RopeScalingType.LONGROPE)
        writer.add_rope_scaling_orig_ctx_len(_original(config))
        writer.add_rope_scaling_attn_factors(_longrope_scale(config, rope))


def _longrope_scale(config: Any, rope: dict[str, Any]) -> float:
    """Return by what LongRoPE multiplies queries and keys, as transformers computes it."""
    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])
    original = _original(config)
    factor = rope.get("factor") or config.max_position_embeddings / original
    return math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0


def rope_tensors(config: Any) -> dict[str, Floats]:
    """Return the factors of rotary positions that stand as tensors in the file, by their names there."""
    rope = rope_parts(config)["full_attention"]
    if rope["rope_type"] == "longrope":
        names = {"long_factor": "rope_factors_long.weight", "short_factor": "rope_factors_short.weight"}
        return {name: np.asarray(rope[entry], dtype=np.float32) for entry, name in names.items()}
    if rope["rope_type"] == "llama3":
        return {"rope_freqs.weight": _llama3_factors(rope, _turned(config))}
    return {}


def _llama3_factors(rope: dict[str, Any], size: int) -> Floats:
    """Return by what each frequency is divided, [size / 2].

    Source: Llama 3.1's rotary positions (transformers, `_compute_llama3_parameters`).
    """
    frequencies = rope["rope_theta"] ** (-np.arange(0, size, 2, dtype=np.float64) / size)
    lengths = 2 * math.pi / frequencies
    original, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    share = np.clip((original / lengths - low) / (high - low), 0.0, 1.0)
    return np.asarray(1 / ((1 - share) / factor + share), dtype=np.float32)
