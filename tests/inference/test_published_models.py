"""The shipped facts of published models, against counts by hand from their shapes."""

import pytest

from stillhouse.inference.published_models import PUBLISHED_MODELS
from stillhouse.inference.stored_weights import loaded_bytes
from stillhouse.inference.vllm.footprint import Footprint

DENSE = [name for name, model in PUBLISHED_MODELS.items() if model.model_type != "deepseek_v3"]


@pytest.mark.parametrize("name", DENSE)
def test_published_model_has_the_numbers_that_its_shape_gives(name):
    shape = PUBLISHED_MODELS[name].shape
    hidden, layers, heads = shape["hidden_size"], shape["num_hidden_layers"], shape["num_attention_heads"]
    head_size = hidden // heads
    attention = hidden * head_size * (heads + 2 * shape["num_key_value_heads"]) + heads * head_size * hidden
    layer = attention + 3 * hidden * shape["intermediate_size"] + 2 * hidden
    embeddings = hidden * shape["vocab_size"] * (1 if shape.get("tie_word_embeddings") else 2)
    assert sum(PUBLISHED_MODELS[name].numbers.values()) == layers * layer + embeddings + hidden


@pytest.mark.parametrize(
    ("name", "gigabytes", "token_kib"),
    # the sizes that the owners name, and the cache of a token by hand: layers * heads * 128 numbers, twice, of 2 bytes
    [
        ("deepseek-ai/DeepSeek-V3", 688.5, 61 * (512 + 64) * 2 / 1024),
        ("meta-llama/Llama-3.1-405B-Instruct", 811.7, 126 * 2 * 8 * 128 * 2 / 1024),
        ("meta-llama/Llama-3.1-8B-Instruct", 16.06, 32 * 2 * 8 * 128 * 2 / 1024),
        ("microsoft/Phi-4-mini-instruct", 7.67, 32 * 2 * 8 * 128 * 2 / 1024),
        ("microsoft/Phi-3-mini-4k-instruct", 7.64, 32 * 2 * 32 * 96 * 2 / 1024),
    ],
)
def test_published_model_has_its_footprint_without_weights_and_hub(name, gigabytes, token_kib):
    model = PUBLISHED_MODELS[name]
    weights = loaded_bytes(model.numbers, "bfloat16")
    found = Footprint.of(model.config(), weights, 4096, ("bfloat16", "auto"))
    assert found.weight_bytes / 1e9 == pytest.approx(gigabytes, rel=0.001)
    assert found.token_bytes / 1024 == token_kib
