"""What transformers 5 writes, in words that transformers 4 reads too; both readers get the same model.

Version 4 does not know the tokenizer class that version 5 names, and takes 10,000 for the base of rotary positions
where it does not find it under its old name.
"""

from typing import Any

_BACKEND = "TokenizersBackend"
# of a model whose kinds of layers have a base each
_LOCAL_BASES = {"full_attention": "rope_theta", "sliding_attention": "rope_local_base_freq"}
_LONG_FACTORS = ("short_factor", "long_factor")


def widen_tokenizer_config(content: dict[str, Any]) -> dict[str, Any]:
    """Return a tokenizer_config.json with a class that version 4 has, and its name for a list of special tokens."""
    widened = dict(content)
    if widened.get("tokenizer_class") == _BACKEND:
        widened["tokenizer_class"] = "PreTrainedTokenizerFast"
    if isinstance(widened.get("extra_special_tokens"), list):
        widened["additional_special_tokens"] = widened.pop("extra_special_tokens")
    return widened


def widen_config(content: dict[str, Any]) -> dict[str, Any]:
    """Return a config.json that has its rotary positions under the old names too, also in a wrapped model's parts."""
    widened = {name: widen_config(part) if _is_config(part) else part for name, part in content.items()}
    rope = content.get("rope_parameters")
    if isinstance(rope, dict):
        is_by_kind = all(isinstance(value, dict) for value in rope.values())
        widened |= _by_kind(rope) if is_by_kind else _old_names(rope, content)
    return widened


def _is_config(part: object) -> bool:
    return isinstance(part, dict) and "model_type" in part


def _old_names(rope: dict[str, Any], beside: dict[str, Any], base: str = "rope_theta") -> dict[str, Any]:
    old = {name: rope[name] for name in ("partial_rotary_factor",) if name in rope}
    old |= {base: rope["rope_theta"]} if "rope_theta" in rope else {}
    kind = rope.get("rope_type", "default")
    if kind == "longrope" and "original_max_position_embeddings" in beside:
        # version 4's Phi-3 refuses any further entry; both versions find the rest beside it
        old["rope_scaling"] = {"type": kind, **{name: rope[name] for name in _LONG_FACTORS}}
    elif kind != "default":
        # version 5 takes this for the whole, so it holds the whole
        old["rope_scaling"] = rope
    return old


def _by_kind(rope: dict[str, dict[str, Any]]) -> dict[str, Any]:
    old: dict[str, Any] = {}
    for kind, base in _LOCAL_BASES.items():
        old |= {
            name: value for name, value in _old_names(rope.get(kind, {}), {}, base).items() if name != "rope_scaling"
        }
    return old
