import pytest
from transformers import AutoConfig

from stillhouse.inference.vllm.kv_cache import kv_bytes_per_token

TEXT = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
BYTES = 2 * 4 * 2 * 16 * 2  # keys and values, layers, heads, their size, 16 bits


@pytest.mark.parametrize("family", ["llama", "mistral", "phi3", "qwen2", "qwen3", "gemma2", "gemma3_text", "smollm3"])
def test_kv_bytes_per_token_language_model_counts_layers_and_heads(family):
    assert kv_bytes_per_token(AutoConfig.for_model(family, **TEXT)) == BYTES


@pytest.mark.parametrize(
    "family",
    ["gemma3", "gemma3n", "qwen3_5", "qwen3_5_moe", "mistral3", "llama4", "qwen2_5_vl", "qwen3_vl", "smolvlm"],
)
def test_kv_bytes_per_token_wrapped_language_model_counts_like_the_model_itself(family):
    text_type = AutoConfig.for_model(family).get_text_config().model_type
    config = AutoConfig.for_model(family, text_config=TEXT | {"model_type": text_type})
    assert kv_bytes_per_token(config) == BYTES


def test_kv_bytes_per_token_layers_of_two_sizes_count_as_the_larger():
    config = AutoConfig.for_model("gemma4", text_config=TEXT | {"model_type": "gemma4_text", "global_head_dim": 32})
    assert kv_bytes_per_token(config) == 2 * BYTES


@pytest.mark.parametrize(
    ("family", "expected"),
    # without grouped heads; with one for all; layers and heads by other names
    [
        ("gpt2", 2 * 12 * 768 * 2),
        ("falcon", 2 * 32 * 4544 * 2),
        ("mpt", 2 * 24 * 2048 * 2),
        ("mamba", 2 * 32 * 768 * 2),
    ],
)
def test_kv_bytes_per_token_default_of_other_kinds(family, expected):
    assert kv_bytes_per_token(AutoConfig.for_model(family)) == expected


def test_kv_bytes_per_token_of_float32_is_twice_that_of_16_bits():
    assert kv_bytes_per_token(AutoConfig.for_model("llama", **TEXT), "float32") == 2 * BYTES


@pytest.mark.parametrize(("kind", "expected"), [("fp8", BYTES // 2), ("bfloat16", BYTES), ("auto", 2 * BYTES)])
def test_kv_bytes_per_token_go_by_the_caches_own_type(kind, expected):
    assert kv_bytes_per_token(AutoConfig.for_model("llama", **TEXT), "float32", kind) == expected
