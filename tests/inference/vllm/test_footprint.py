"""The memory of large models on each GPU, against arithmetic by hand."""

from typing import Any

import pytest
from transformers import AutoConfig

from stillhouse.inference.vllm.footprint import Footprint, Spread

GIB = 2**30
# configurations as published, and the bytes of their weights
LLAMA_70B = ({"hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8}, 141e9)
LLAMA_405B = (
    {"hidden_size": 16384, "num_hidden_layers": 126, "num_attention_heads": 128, "num_key_value_heads": 8},
    812e9,
)
QWEN_32B = ({"hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 40, "num_key_value_heads": 8}, 65.5e9)
DEEPSEEK_V3 = ({}, 688.5e9)  # the library's defaults are this model's


def footprint(model: tuple[dict[str, Any], float], family: str = "llama", tokens: int = 8192) -> Footprint:
    fields, weights = model
    return Footprint.of(AutoConfig.for_model(family, **fields), int(weights), tokens, ("bfloat16", "auto"))


def cache_of_each(found: Footprint, count: int) -> float:
    spread = Spread(tensor_parallel=count, pipeline_parallel=1)
    alone = found.model_copy(update={"weight_bytes": 0})
    empty = alone.model_copy(update={"token_bytes": 0})
    return (alone.bytes_of_each_gpu(spread) - empty.bytes_of_each_gpu(spread)) / GIB


@pytest.mark.parametrize(
    ("model", "family", "count", "expected"),
    # 128 sequences of 1,664 tokens: keys and values of each layer, by 8 heads of 128 numbers of 2 bytes, over the GPUs
    [
        (LLAMA_70B, "llama", 4, 80 * 2 * 8 * 128 * 2 / 4 * 128 * 1664 / GIB),
        (QWEN_32B, "qwen2", 2, 64 * 2 * 8 * 128 * 2 / 2 * 128 * 1664 / GIB),
        (LLAMA_405B, "llama", 8, 126 * 2 * 8 * 128 * 2 / 8 * 128 * 1664 / GIB),
        # more GPUs than heads of the cache: each head is on two
        (LLAMA_70B, "llama", 16, 80 * 2 * 8 * 128 * 2 / 8 * 128 * 1664 / GIB),
        # 61 layers keep one vector of 512 and 64 numbers that all heads share, whole on each GPU
        (DEEPSEEK_V3, "deepseek_v3", 8, 61 * (512 + 64) * 2 * 128 * 1664 / GIB),
    ],
)
def test_footprint_cache_of_each_gpu(model, family, count, expected):
    assert cache_of_each(footprint(model, family, tokens=128 * 1664), count) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("model", "family", "gpu_gib", "expected"),
    [
        (LLAMA_70B, "llama", 80, (4, 1)),  # 131 GiB: on two GPUs there is room for two sequences of 2.5 GiB
        (LLAMA_405B, "llama", 80, (8, 2)),  # 756 GiB: eight would have 95 each
        (DEEPSEEK_V3, "deepseek_v3", 80, (8, 2)),
        (DEEPSEEK_V3, "deepseek_v3", 141, (8, 1)),
        (QWEN_32B, "qwen2", 80, (2, 1)),  # 61 GiB: one GPU has room for four sequences of 2 GiB
    ],
)
def test_footprint_smallest_spread_is_within_a_node_if_it_can(model, family, gpu_gib, expected):
    found = footprint(model, family).smallest_spread(int(0.9 * gpu_gib * GIB), 8)
    assert found
    assert (found.tensor_parallel, found.pipeline_parallel) == expected


def test_footprint_heads_decide_how_many_gpus_share_a_layer():
    nine_heads = footprint(({"hidden_size": 576, "num_hidden_layers": 2, "num_attention_heads": 9}, 40e9))
    found = nine_heads.smallest_spread(24 * GIB, 8)
    assert found
    assert (found.tensor_parallel, found.pipeline_parallel) == (1, 2)


@pytest.mark.parametrize(("tensor", "pipeline", "expected"), [(8, 2, 2), (4, 1, 1), (1, 2, 1), (1, 9, 3), (3, 4, 2)])
def test_spread_machines_have_equal_shares(tensor, pipeline, expected):
    assert Spread(tensor_parallel=tensor, pipeline_parallel=pipeline).num_machines(8) == expected


def test_footprint_that_no_gpus_hold_has_no_spread():
    assert footprint(LLAMA_70B).smallest_spread(2 * GIB, 8) is None
