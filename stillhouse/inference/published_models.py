"""Models as their owners published them: what a plan must know of weights that are not on this machine.

Read off each model's config.json and the headers of its weights, as of November 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PHI3 = {
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32064,
    "max_position_embeddings": 131_072,
}


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """The shape of a model and the numbers that its weights are."""

    model_type: str
    shape: Mapping[str, Any]  # the fields of config.json that memory depends on
    numbers: Mapping[str, int]  # of the weights, by their safetensors type

    def config(self) -> Any:
        """Return the configuration, which has the library's own values where memory does not depend on them."""
        from transformers import AutoConfig

        return AutoConfig.for_model(self.model_type, **self.shape)


# the hub's name -> the model
PUBLISHED_MODELS = {
    "microsoft/Phi-4-mini-instruct": PublishedModel(
        model_type="phi3",
        shape=_PHI3
        | {
            "num_attention_heads": 24,
            "num_key_value_heads": 8,
            "vocab_size": 200_064,
            "tie_word_embeddings": True,
            "partial_rotary_factor": 0.75,
        },
        numbers={"BF16": 3_836_021_760},
    ),
    "microsoft/Phi-3-mini-4k-instruct": PublishedModel(
        model_type="phi3", shape=_PHI3 | {"max_position_embeddings": 4096}, numbers={"BF16": 3_821_079_552}
    ),
    "microsoft/Phi-3-mini-128k-instruct": PublishedModel(
        model_type="phi3", shape=_PHI3, numbers={"BF16": 3_821_079_552}
    ),
    "microsoft/Phi-3.5-mini-instruct": PublishedModel(model_type="phi3", shape=_PHI3, numbers={"BF16": 3_821_079_552}),
    "meta-llama/Llama-3.1-8B-Instruct": PublishedModel(
        model_type="llama",
        shape={
            "hidden_size": 4096,
            "intermediate_size": 14_336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 128_256,
            "max_position_embeddings": 131_072,
        },
        numbers={"BF16": 8_030_261_248},
    ),
    "meta-llama/Llama-3.1-405B-Instruct": PublishedModel(
        model_type="llama",
        shape={
            "hidden_size": 16_384,
            "intermediate_size": 53_248,
            "num_hidden_layers": 126,
            "num_attention_heads": 128,
            "num_key_value_heads": 8,
            "vocab_size": 128_256,
            "max_position_embeddings": 131_072,
        },
        numbers={"BF16": 405_853_388_800},
    ),
    "deepseek-ai/DeepSeek-V3": PublishedModel(
        model_type="deepseek_v3",
        shape={
            "hidden_size": 7168,
            "num_hidden_layers": 61,
            "num_attention_heads": 128,
            "kv_lora_rank": 512,
            "qk_rope_head_dim": 64,
            "vocab_size": 129_280,
            "max_position_embeddings": 163_840,
        },
        # with the layer that predicts a second token
        numbers={"F8_E4M3": 680_571_043_840, "BF16": 3_918_786_560, "F32": 41_555_600},
    ),
}
