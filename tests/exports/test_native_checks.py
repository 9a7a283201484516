"""Which students GGUF and CTranslate2 refuse before work, and what a GGUF export tells Ollama."""

from types import SimpleNamespace
from typing import Any

import pytest

from stillhouse.errors import ModelError
from stillhouse.exports.ctranslate2.families import check_family
from stillhouse.exports.formats import FORMATS
from stillhouse.exports.gguf.families import FAMILIES, family_of

GEMMA_3 = ["sliding_attention"] * 5 + ["full_attention"]


def config(model_type: str, **changes: Any) -> SimpleNamespace:
    fields = {"hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 6, "hidden_act": "silu"}
    rope = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}}
    return SimpleNamespace(model_type=model_type, **fields | rope | changes)


def gemma(**changes: Any) -> SimpleNamespace:
    own = {"hidden_act": "gelu_pytorch_tanh", "layer_types": GEMMA_3, "head_dim": 32, "query_pre_attn_scalar": 32}
    return config("gemma3_text", **own | changes)


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        (config("gpt_oss"), "of the family gpt_oss; known are llama, mistral,"),
        (config("llama", hidden_act="gelu"), "its activation is gelu"),
        (config("qwen2", rope_parameters={"rope_type": "yarn", "rope_theta": 1e6}), "of type yarn"),
        # two of its layers were cut out, and what was the sixth is now the fourth
        (gemma(layer_types=[*GEMMA_3[:3], "full_attention"], num_hidden_layers=4), "kinds of attention are sliding"),
        (gemma(query_pre_attn_scalar=256), "query_pre_attn_scalar is 256 with heads of 32"),
        (config("smollm3", no_rope_layers=[1, 1, 0, 1, 1, 0]), "without rotary positions are not every 4th"),
    ],
)
def test_gguf_student_that_llama_cpp_computes_otherwise_is_refused_with_the_reason(student, reason):
    with pytest.raises(ModelError, match=reason) as refused:
        family_of(student)
    assert "\n" not in str(refused.value)


def test_gguf_student_that_llama_cpp_computes_alike_has_a_family():
    assert family_of(gemma()).arch == "GEMMA3"
    assert family_of(config("smollm3", no_rope_layers=[1, 1, 1, 0, 1, 1])).arch == "SMOLLM3"


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        (config("phi3"), "knows the model families llama, mistral, qwen2, qwen3"),
        (config("llama", head_dim=48), "its heads have 48 numbers"),
        (config("llama", rope_parameters={"rope_type": "llama3"}), "rotary positions are of type llama3"),
        (config("qwen2", use_sliding_window=True), "its attention has a window"),
    ],
)
def test_ctranslate2_student_that_it_computes_otherwise_is_refused_with_the_reason(student, reason):
    with pytest.raises(ModelError, match=reason):
        check_family(student)
    check_family(config("llama"))


def test_formats_refuse_a_family_before_work_and_name_the_known():
    assert FORMATS["gguf"].families == FAMILIES.keys()
    assert FORMATS["gguf"].refusal("causal_lm", "llama", "q8_0") == ""
    assert "gemma2, gemma3_text, llama" in FORMATS["gguf"].refusal("causal_lm", "gpt_oss", "q8_0")
    assert "and this student's is phi3" in FORMATS["ctranslate2"].refusal("causal_lm", "phi3", "int8")
