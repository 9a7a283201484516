"""What a cut leaves of a model, by its configuration alone."""

import pytest
from transformers import AutoConfig

from stillhouse.errors import ModelError
from stillhouse.recipe.cut import Cut
from stillhouse.students.cutting.shape import check_cut, cut_shape, narrowed

SMOLLM2_135M = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
}


LONGROPE = {
    "hidden_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "original_max_position_embeddings": 4096,
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 10_000.0,
        "short_factor": [1.0] * 16,
        "long_factor": [2.0] * 16,
        "original_max_position_embeddings": 4096,
    },
}


def llama(**own):
    return AutoConfig.for_model("llama", **(SMOLLM2_135M | own))


@pytest.mark.parametrize(
    ("layers", "cut", "expected"),
    [
        (0, {}, (30, 1536, 9, 3, 64)),
        (24, {"layers": "influence"}, (24, 1536, 9, 3, 64)),
        (0, {"layers": [0, 5, 29]}, (3, 1536, 9, 3, 64)),
        (1, {"layers": "first"}, (1, 1536, 9, 3, 64)),
        # 64 divides 1536, and 768 / 64 is whole; 0.7 x 1536 = 1075 = 16.8 steps of 64
        (0, {"feed_forward": 0.5}, (30, 768, 9, 3, 64)),
        (0, {"feed_forward": 0.7}, (30, 1088, 9, 3, 64)),
        (0, {"feed_forward": 0.001}, (30, 64, 9, 3, 64)),
        # whole groups of three heads
        (0, {"heads": 0.67}, (30, 1536, 6, 2, 64)),
        (0, {"heads": 0.1}, (30, 1536, 3, 1, 64)),
    ],
)
def test_cut_shape_of_a_known_model_keeps_whole_groups_and_round_widths(layers, cut, expected):
    kept = cut_shape(llama(), layers, Cut(**cut))
    assert (kept.layers, kept.neurons, kept.heads, kept.kv_heads, kept.head_size) == expected


def test_cut_shape_of_heads_that_share_all_keys_keeps_these():
    kept = cut_shape(llama(num_attention_heads=8, num_key_value_heads=1), 0, Cut(heads=0.5))
    assert (kept.heads, kept.kv_heads, kept.head_size) == (4, 1, 72)


@pytest.mark.parametrize(
    ("config", "layers", "cut", "said"),
    [
        (llama(), 31, {"layers": "influence"}, r"31.*30 layers"),
        (llama(), 0, {"layers": [0, 30]}, r"layer 30.*30 layers, 0 to 29"),
        (llama(), 0, {"feed_forward": 0.99}, r"feed_forward is 0\.99.*all 1536 neurons.*at most 0\.958"),
        (llama(), 0, {"heads": 0.9}, r"heads is 0\.9.*all 9 heads.*3 groups"),
        (AutoConfig.for_model("qwen2"), 0, {"heads": 0.5}, r"qwen2 keeps all its heads: in vLLM"),
        (AutoConfig.for_model("gpt2"), 0, {"heads": 0.5}, r"gpt2 keeps all its heads"),
        (AutoConfig.for_model("phi3", **LONGROPE), 0, {"heads": 0.5}, r"phi3 keeps all its heads: .*LongRoPE"),
        (AutoConfig.for_model("gpt_oss"), 0, {"feed_forward": 0.5}, r"kind gpt_oss can't be narrowed; those of gemma"),
        (AutoConfig.for_model("mamba2"), 0, {"heads": 0.5}, r"kind mamba2 can't be narrowed"),
        (AutoConfig.for_model("gemma2"), 0, {"embeddings": "untied"}, r"untied.*vLLM.*gemma2"),
        (AutoConfig.for_model("gemma3n"), 2, {"layers": "influence"}, r"gemma3n_text can't be cut"),
    ],
    ids=lambda value: str(getattr(value, "model_type", value))[:40],
)
def test_check_cut_that_does_not_fit_is_one_line(config, layers, cut, said):
    with pytest.raises(ModelError, match=said) as raised:
        check_cut(config, layers, Cut(**cut))
    assert "\n" not in str(raised.value)


def test_narrowed_configuration_says_the_widths_and_leaves_the_original_alone():
    config = llama()
    left = narrowed(config, 24, Cut(feed_forward=0.5, heads=0.67))
    assert (left.intermediate_size, left.num_attention_heads, left.num_key_value_heads, left.head_dim) == (
        768,
        6,
        2,
        64,
    )
    assert (config.intermediate_size, config.num_attention_heads, config.num_key_value_heads) == (1536, 9, 3)
    gpt2 = narrowed(AutoConfig.for_model("gpt2", n_embd=64, n_head=2), 0, Cut(feed_forward=0.5))
    assert gpt2.n_inner == 128
