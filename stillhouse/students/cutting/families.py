"""The model families whose layers can be narrowed: where each keeps its feed-forward neurons and its heads.

No torch here: a recipe's cut is held against a configuration before any work.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FeedForward:
    """The linear layers of a feed-forward block, by their names in a layer."""

    into: tuple[str, ...]  # whose outputs are the neurons
    out: str  # that takes the neurons in
    times: int = 1  # how often the neurons stand in each of `into`, one after the other
    field: str = "intermediate_size"  # of the configuration


@dataclass(frozen=True)
class Heads:
    """The linear layers of attention, by their names in a layer."""

    queries: str
    keys: str
    values: str
    out: str

    @property
    def is_fused(self) -> bool:
        """Whether queries, keys and values are the outputs of one linear layer, in this order."""
        return self.queries == self.keys


@dataclass(frozen=True)
class Family:
    """What of a family's layers can be narrowed."""

    feed_forward: FeedForward
    heads: Heads | None = None
    why_no_heads: str = ""
    is_always_tied: bool = False  # an engine knows no output layer of its own


_GATED = FeedForward(("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj")
_HEADS = Heads("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
_USUAL = Family(_GATED, _HEADS)
_FIXED_SIZE = "a head's size there is hidden_size / num_attention_heads, so that fewer heads would be larger ones"
FAMILIES = {
    **dict.fromkeys(("llama", "mistral", "qwen3", "gemma", "gemma3_text", "smollm3"), _USUAL),
    "gemma2": Family(_GATED, _HEADS, is_always_tied=True),
    "qwen2": Family(_GATED, why_no_heads=f"in vLLM {_FIXED_SIZE}"),
    "phi3": Family(
        FeedForward(("mlp.gate_up_proj",), "mlp.down_proj", times=2),
        Heads("self_attn.qkv_proj", "self_attn.qkv_proj", "self_attn.qkv_proj", "self_attn.o_proj"),
    ),
    "gpt2": Family(FeedForward(("mlp.c_fc",), "mlp.c_proj", field="n_inner"), why_no_heads=_FIXED_SIZE),
    "gpt_neox": Family(FeedForward(("mlp.dense_h_to_4h",), "mlp.dense_4h_to_h"), why_no_heads=_FIXED_SIZE),
}
