"""Run by the engine's Python for test_vectors.py: queries, keys and values of families, beside transformers' own.

Command: `python -m tests.support.workers.attention_vectors FILE`; writes one JSON object. Where attention goes through
transformers' attention functions, one of ours is put there and sees what it is given; else the family's own method cuts
what it projected.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from stillhouse.errors import ModelError
from stillhouse.students.layer_matching.capture import Capture
from stillhouse.students.layer_matching.decoder import decoder_layers, text_config
from stillhouse.students.layer_matching.vectors import find_vectors

SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "vocab_size": 64}
GROUPED = SIZES | {"num_attention_heads": 4, "num_key_value_heads": 2}
OLD = {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 64}
FALCON = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 64}
NO_PADDING = {"pad_token_id": None}
# by name: model_type, and its configuration in small
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", GROUPED),
    "mistral": ("mistral", GROUPED | {"head_dim": 16}),
    "qwen2": ("qwen2", GROUPED),
    "qwen3": ("qwen3", GROUPED | {"head_dim": 16}),
    "gemma3": ("gemma3_text", GROUPED | {"head_dim": 16}),
    "phi": ("phi", GROUPED),
    "opt": (
        "opt",
        {"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 64},
    ),
    "qwen3_next": (
        "qwen3_next",
        GROUPED | {"head_dim": 16, "layer_types": ["full_attention"] * 2, "num_experts": 2, "num_experts_per_tok": 1},
    ),
    "phi3": ("phi3", GROUPED | NO_PADDING),
    "gpt2": ("gpt2", OLD),
    "gpt_neox": ("gpt_neox", SIZES | {"num_attention_heads": 4}),
    "bigcode, one key": ("gpt_bigcode", OLD | {"multi_query": True}),
    "bigcode": ("gpt_bigcode", OLD | {"multi_query": False}),
    "bloom": ("bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4, "vocab_size": 64}),
    "falcon, groups": ("falcon", FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2}),
    "falcon, one key": ("falcon", FALCON | {"multi_query": True}),
    "falcon": ("falcon", FALCON | {"multi_query": False, "alibi": True, "parallel_attn": False}),
    "mpt": ("mpt", {"d_model": 32, "n_heads": 4, "n_layers": 2, "vocab_size": 64}),
}
SPY = "spy"
NAMES = ("queries", "keys", "values")
seen: list[tuple[Any, ...]] = []


def spy(module: Any, query: Any, key: Any, value: Any, *given: Any, **options: Any) -> Any:
    seen.append((module, query, key, value))
    return ALL_ATTENTION_FUNCTIONS["sdpa"](module, query, key, value, *given, **options)


def theirs_of(kind: str, layer: Any, captured: dict[str, Any]) -> dict[str, Any]:
    """Return what the family itself takes for queries, keys and values, each (B, H, T, d)."""
    if seen:
        return dict(zip(NAMES, seen[-1][1:], strict=True))
    (fused,) = captured.values()
    attention = getattr(layer, "self_attention", None) or layer.attn
    if kind == "bloom":
        return dict(zip(NAMES, attention._reshape(fused), strict=True))
    if kind == "falcon":
        return {name: part.transpose(1, 2) for name, part in zip(NAMES, attention._split_heads(fused), strict=True)}
    parts = fused.chunk(3, dim=2)
    return {name: part.unflatten(-1, (4, -1)).transpose(1, 2) for name, part in zip(NAMES, parts, strict=True)}


def far(ours: torch.Tensor, theirs: torch.Tensor, norm: Any, *, is_value: bool) -> float:
    """Return how far both are apart, but for a factor; queries and keys at position 0, which turns nothing."""
    heads = theirs.transpose(1, 2)
    mine = ours.unflatten(-1, (-1, heads.shape[-1]))
    # shared keys may have been repeated for each query's head
    heads = heads[:, :, :: heads.shape[2] // mine.shape[2]]
    if norm is not None and not is_value:
        mine = norm(mine)
    if not is_value:
        mine, heads = mine[:, :1], heads[:, :1]
    return float((mine / mine.norm() - heads / heads.norm()).abs().max())


def check(kind: str, settings: dict[str, Any]) -> dict[str, float]:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **settings)
    own_code = kind in ("bloom", "falcon", "mpt")
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager" if own_code else SPY).eval()
    layer = decoder_layers(model)[-1]
    source = find_vectors(layer, text_config(model))
    capture = Capture(source.modules)
    seen.clear()
    with torch.no_grad(), capture:
        model(input_ids=torch.arange(1, 6)[None], use_cache=False)
        theirs = theirs_of(kind, layer, capture.taken)
        ours = source.split(capture.taken)
        owner = seen[-1][0] if seen else None
        norms = {"queries": getattr(owner, "q_norm", None), "keys": getattr(owner, "k_norm", None), "values": None}
        found = {name: far(ours[name], theirs[name], norms[name], is_value=name == "values") for name in NAMES}
    assert source.widths == {name: ours[name].shape[-1] for name in NAMES}
    return found


def refused(kind: str, settings: dict[str, Any]) -> str:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings))
    try:
        find_vectors(decoder_layers(model)[0], text_config(model))
    except ModelError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    ALL_ATTENTION_FUNCTIONS.register(SPY, spy)
    ALL_MASK_ATTENTION_FUNCTIONS.register(SPY, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    checks: dict[str, Any] = {}
    for family, (kind, settings) in FAMILIES.items():
        try:
            checks[family] = check(kind, settings)
        except (ModelError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
            # the test says which family
            checks[family] = repr(error)[:500]
    latent = SIZES | {"num_attention_heads": 4, "n_routed_experts": 2, "num_experts_per_tok": 1, "n_group": 1}
    checks["refused"] = {
        "deepseek_v3": refused("deepseek_v3", latent | {"topk_group": 1}),
        "codegen": refused("codegen", OLD | {"rotary_dim": 4}),
    }
    Path(sys.argv[1]).write_text(json.dumps(checks))
