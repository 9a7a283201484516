"""The model families that can be written as GGUF: what llama.cpp computes for each, held against a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stillhouse.errors import ModelError

_ROPES = {"default", "linear", "llama3", "longrope"}


@dataclass(frozen=True)
class Family:
    """How a family's weights and configuration are told to llama.cpp."""

    arch: str  # of gguf.MODEL_ARCH
    # llama.cpp turns neighbours of a query where transformers turns its halves
    pairs_neighbours: bool = False
    # transformers adds 1 to the weights of norms, llama.cpp does not
    adds_one_to_norms: bool = False
    activations: tuple[str, ...] = ("silu",)
    # every so many layers the last one attends to all tokens, the others to a window; 1: all to all
    window_pattern: int = 1
    # every so many layers the last one has no rotary positions; 0: all have
    unturned_every: int = 0


_GELU = ("gelu_pytorch_tanh",)
FAMILIES = {
    "llama": Family("LLAMA", pairs_neighbours=True),
    "mistral": Family("LLAMA", pairs_neighbours=True),
    "smollm3": Family("SMOLLM3", pairs_neighbours=True, unturned_every=4),
    "qwen2": Family("QWEN2"),
    "qwen3": Family("QWEN3"),
    "phi3": Family("PHI3"),
    "gemma2": Family("GEMMA2", adds_one_to_norms=True, activations=_GELU, window_pattern=2),
    "gemma3_text": Family("GEMMA3", adds_one_to_norms=True, activations=_GELU, window_pattern=6),
}


def family_of(config: Any) -> Family:
    """Return the family of a configuration, which llama.cpp computes as transformers does.

    Raises:
        ModelError: the family is not known, or llama.cpp computes another thing than this configuration says.
    """
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise ModelError(
            f"No GGUF can be made of a student of the family {config.model_type}; known are {', '.join(FAMILIES)}. "
            "Export it to another format."
        )
    if unlike := _unlike(config, family):
        raise ModelError(
            f"No GGUF can be made of this {config.model_type} student: {unlike}, which llama.cpp computes otherwise. "
            "Export it to another format."
        )
    return family


def _unlike(config: Any, family: Family) -> str:
    """Return what in the configuration llama.cpp has fixed to another value; empty if nothing."""
    activation = getattr(config, "hidden_activation", None) or config.hidden_act
    kinds = list(getattr(config, "layer_types", None) or [])
    unturned = list(getattr(config, "no_rope_layers", None) or [])
    scalar = getattr(config, "query_pre_attn_scalar", None)
    if activation not in family.activations:
        return f"its activation is {activation}"
    if family.window_pattern > 1 and kinds != _kinds(config, family):
        return f"its layers' kinds of attention are {', '.join(kinds)}"
    if unturned and [not one for one in unturned] != _unturned(config, family):
        return f"its layers without rotary positions are not every {family.unturned_every}th"
    if scalar is not None and scalar != head_size(config):
        return f"its query_pre_attn_scalar is {scalar} with heads of {head_size(config)}"
    if ropes := sorted({one["rope_type"] for one in rope_parts(config).values()} - _ROPES):
        return f"its rotary positions are of type {ropes[0]}"
    return ""


def _kinds(config: Any, family: Family) -> list[str]:
    pattern = family.window_pattern
    return [
        "full_attention" if layer % pattern == pattern - 1 else "sliding_attention"
        for layer in range(config.num_hidden_layers)
    ]


def _unturned(config: Any, family: Family) -> list[bool]:
    every = family.unturned_every
    return [bool(every) and (layer + 1) % every == 0 for layer in range(config.num_hidden_layers)]


def head_size(config: Any) -> int:
    """Return the size of one attention head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def rope_parts(config: Any) -> dict[str, dict[str, Any]]:
    """Return the rotary positions by kind of layer; under `full_attention` alone if all layers have the same."""
    rope = dict(config.rope_parameters)
    by_kind = {kind: dict(part) for kind, part in rope.items() if isinstance(part, dict)}
    return by_kind or {"full_attention": rope}
