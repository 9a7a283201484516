"""Where a decoder layer computes its queries, keys and values, in any family that is known.

Imported in the engine environment only.
"""

# B: rows; T: tokens; W: width of all heads together

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from stillhouse.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    Vectors = dict[str, torch.Tensor]  # queries, keys and values, each BTW

_SEPARATE = ("q_proj", "k_proj", "v_proj")
_NAMES = ("queries", "keys", "values")
# whose q_proj writes a gate behind each head's queries
_GATED = ("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text")


@dataclass(frozen=True)
class VectorSource:
    """The modules that compute a layer's queries, keys and values, before positions and norms of heads."""

    modules: Mapping[str, nn.Module]
    split: Callable[[Mapping[str, torch.Tensor]], Vectors]  # from the modules' outputs, by the same names

    @property
    def widths(self) -> dict[str, int]:
        """The widths of queries, keys and values; keys and values that heads share are narrower."""
        outputs = {name: torch.zeros(1, 1, _width(module)) for name, module in self.modules.items()}
        return {name: vectors.shape[-1] for name, vectors in self.split(outputs).items()}


def find_vectors(layer: nn.Module, config: Any) -> VectorSource:
    """Return where `layer` of a model of the text configuration `config` computes its queries, keys and values.

    Separate projections have the names of Llama's. Fused ones are cut as the family's own code does, which its
    `model_type` names.

    Raises:
        ModelError: the family is not known, or the layer has no such vectors, as linear attention has none.
    """
    kind = config.model_type
    if owner := _owner(layer, _SEPARATE):
        modules = {name: getattr(owner, name) for name in _SEPARATE}
        if _width(modules["q_proj"]) == _heads_width(config) * (2 if kind in _GATED else 1):
            return VectorSource(modules, _gated(config) if kind in _GATED else _separate)
    if kind in _FUSED and (owner := _owner(layer, (_FUSED[kind][0],))):
        name, cut = _FUSED[kind]
        return VectorSource({name: getattr(owner, name)}, lambda outputs: cut(outputs[name], config))
    raise ModelError(
        f"training.kind: attention does not know where layers of a model of kind {kind} compute queries, keys and "
        "values: take training.kind: hidden_states, which needs nothing of them, or a model of another family."
    )


def _owner(layer: nn.Module, names: tuple[str, ...]) -> nn.Module | None:
    return next((module for module in layer.modules() if all(hasattr(module, name) for name in names)), None)


def _width(module: Any) -> int:
    # GPT-2's Conv1D has its own name for it
    return int(getattr(module, "out_features", 0) or module.nf)


def _heads_width(config: Any) -> int:
    return int(config.num_attention_heads) * _head_width(config)


def _head_width(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _separate(outputs: Mapping[str, torch.Tensor]) -> Vectors:
    return {name: outputs[module] for name, module in zip(_NAMES, _SEPARATE, strict=True)}


def _gated(config: Any) -> Callable[[Mapping[str, torch.Tensor]], Vectors]:
    def split(outputs: Mapping[str, torch.Tensor]) -> Vectors:
        queries = outputs["q_proj"].unflatten(-1, (config.num_attention_heads, 2, _head_width(config)))[..., 0, :]
        return _separate(outputs) | {"queries": queries.flatten(-2)}

    return split


def _in_blocks(fused_BTW: torch.Tensor, config: Any) -> Vectors:
    """Cut all queries, then all keys, then all values."""
    queries = _heads_width(config)
    shared = (fused_BTW.shape[-1] - queries) // 2
    return dict(zip(_NAMES, fused_BTW.split((queries, shared, shared), dim=-1), strict=True))


def _by_head(fused_BTW: torch.Tensor, config: Any) -> Vectors:
    """Cut what has one head's query, key and value behind each other."""
    heads = fused_BTW.unflatten(-1, (config.num_attention_heads, 3, -1))
    return {name: heads[..., part, :].flatten(-2) for part, name in enumerate(_NAMES)}


def _of_falcon(fused_BTW: torch.Tensor, config: Any) -> Vectors:
    """Cut groups of queries, each with its key and its value behind them; multi-query is one group."""
    if not config.new_decoder_architecture and not config.multi_query:
        return _by_head(fused_BTW, config)
    groups = config.num_kv_heads if config.new_decoder_architecture else 1
    parts = fused_BTW.unflatten(-1, (groups, config.num_attention_heads // groups + 2, _head_width(config)))
    cut = (parts[..., :-2, :].flatten(-3), parts[..., -2, :].flatten(-2), parts[..., -1, :].flatten(-2))
    return dict(zip(_NAMES, cut, strict=True))


def _of_bigcode(fused_BTW: torch.Tensor, config: Any) -> Vectors:
    return _in_blocks(fused_BTW, config) if config.multi_query else _by_head(fused_BTW, config)


# by model_type: the fused projection's name, and how its output is cut
_FUSED: dict[str, tuple[str, Callable[[torch.Tensor, Any], Vectors]]] = {
    "bloom": ("query_key_value", _by_head),
    "falcon": ("query_key_value", _of_falcon),
    "gpt2": ("c_attn", _in_blocks),
    "gpt_bigcode": ("c_attn", _of_bigcode),
    "gpt_neox": ("query_key_value", _by_head),
    "mpt": ("Wqkv", _in_blocks),
    "phi3": ("qkv_proj", _in_blocks),
}
