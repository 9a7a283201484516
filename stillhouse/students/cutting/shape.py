"""The sizes of a student's layers after a cut, by its base's configuration alone; no weights are loaded."""

from __future__ import annotations

import copy
from typing import Any

from stillhouse.config import StrictModel
from stillhouse.errors import ModelError
from stillhouse.recipe.cut import Cut
from stillhouse.students.cutting.families import FAMILIES, Family
from stillhouse.students.initialise import check_layers

_NEURON_STEP = 64  # what kernels and quantised blocks like a width to be a multiple of


class Shape(StrictModel):
    """How many layers a language model has, and the width of each."""

    layers: int
    neurons: int  # of a layer's feed-forward block
    heads: int
    kv_heads: int  # groups of heads that share keys and values
    head_size: int

    @classmethod
    def of(cls, config: Any) -> Shape:
        """Return the shape that a configuration gives."""
        text = config.get_text_config()
        heads = getattr(text, "num_attention_heads", None) or 1
        # of experts and of layers that differ a block has no single width, and none is cut
        neurons = getattr(text, "intermediate_size", None) or getattr(text, "n_inner", None)
        return cls(
            layers=text.num_hidden_layers,
            neurons=neurons if isinstance(neurons, int) else 4 * text.hidden_size,
            heads=heads,
            kv_heads=getattr(text, "num_key_value_heads", None) or heads,
            head_size=getattr(text, "head_dim", None) or text.hidden_size // heads,
        )


def cut_shape(config: Any, layers: int, cut: Cut) -> Shape:
    """Return the shape of the student that a cut to `layers` layers (0: all) leaves.

    Raises:
        ModelError: the model of this configuration can't be cut so.
    """
    whole = Shape.of(config)
    return whole.model_copy(
        update={
            "layers": _kept_layers(config, layers, cut),
            **(_kept_neurons(config, whole, cut.feed_forward) if cut.feed_forward < 1 else {}),
            **(_kept_heads(config, whole, cut.heads) if cut.heads < 1 else {}),
        }
    )


def check_cut(config: Any, layers: int, cut: Cut) -> None:
    """Refuse a cut that the model of this configuration does not allow.

    Raises:
        ModelError: as `cut_shape`, or its embeddings can't be what is asked.
    """
    cut_shape(config, layers, cut)
    text = config.get_text_config()
    family = FAMILIES.get(text.model_type)
    if cut.embeddings == "untied" and family and family.is_always_tied:
        raise ModelError(
            f"student.cut.embeddings is untied, but vLLM knows no output layer of its own in a model of kind "
            f"{text.model_type}. Set it to model."
        )


def narrowed(config: Any, layers: int, cut: Cut) -> Any:
    """Return a copy of a configuration with the widths that a cut leaves; its layers are as they were.

    Raises:
        ModelError: as `cut_shape`.
    """
    found = copy.deepcopy(config)
    fit_widths(found, cut_shape(config, layers, cut))
    return found


def fit_widths(config: Any, kept: Shape) -> None:
    """Write the widths of `kept` into a configuration, where they differ."""
    text, whole = config.get_text_config(), Shape.of(config)
    if kept.neurons != whole.neurons:
        setattr(text, FAMILIES[text.model_type].feed_forward.field, kept.neurons)
    if kept.heads != whole.heads:
        # no longer hidden_size / num_attention_heads, which is what its absence would say
        text.head_dim = whole.head_size
        text.num_attention_heads, text.num_key_value_heads = kept.heads, kept.kv_heads


def family_of(config: Any, field: str) -> Family:
    """Return where the family of a configuration keeps what is narrowed; `field` of the recipe asks for it.

    Raises:
        ModelError: the family is not known.
    """
    kind = config.get_text_config().model_type
    family = FAMILIES.get(kind)
    if family is None:
        raise ModelError(
            f"student.cut.{field} is set, but layers of a model of kind {kind} can't be narrowed; those of "
            f"{', '.join(sorted(FAMILIES))} can. Leave it out, or take another base model."
        )
    return family


def _kept_layers(config: Any, layers: int, cut: Cut) -> int:
    whole = int(config.get_text_config().num_hidden_layers)
    if isinstance(cut.layers, str):
        if layers:
            check_layers(config, layers, is_even=cut.layers == "even")
        return layers or whole
    if missing := [index for index in cut.layers if index >= whole]:
        raise ModelError(
            f"student.cut.layers names layer {missing[0]}, but the base model has {whole} layers, 0 to {whole - 1}."
        )
    check_layers(config, len(cut.layers), is_even=False)
    return len(cut.layers)


def _kept_neurons(config: Any, whole: Shape, share: float) -> dict[str, int]:
    family_of(config, "feed_forward")
    step = _NEURON_STEP
    while step > 1 and (whole.neurons % step or step * 8 > whole.neurons):
        step //= 2
    kept = max(step, round(whole.neurons * share / step) * step)
    if kept >= whole.neurons:
        raise ModelError(
            f"student.cut.feed_forward is {share:g}, which leaves all {whole.neurons} neurons of a layer, in steps of "
            f"{step}: take at most {1 - step / whole.neurons:.3f}, or leave it out."
        )
    return {"neurons": kept}


def _kept_heads(config: Any, whole: Shape, share: float) -> dict[str, int]:
    family = family_of(config, "heads")
    if why := _why_no_heads(config, family):
        raise ModelError(
            f"student.cut.heads is {share:g}, but a model of kind {config.get_text_config().model_type} keeps all its "
            f"heads: {why}. Leave it out; layers and feed_forward can be cut."
        )
    in_group = whole.heads // whole.kv_heads
    if whole.kv_heads == 1:
        # all heads share the same keys and values: these stay, and some of the heads go
        groups, in_group = 1, max(1, int(in_group * share + 0.5))
    else:
        groups = max(1, int(whole.kv_heads * share + 0.5))
    if groups * in_group >= whole.heads:
        raise ModelError(
            f"student.cut.heads is {share:g}, which leaves all {whole.heads} heads: they go in {whole.kv_heads} groups "
            "that share keys and values. Take a smaller share, or leave it out."
        )
    return {"heads": groups * in_group, "kv_heads": groups}


def _why_no_heads(config: Any, family: Family) -> str:
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    if text.model_type == "phi3" and rope.get("rope_type") == "longrope":
        return "transformers holds its LongRoPE factors against hidden_size / num_attention_heads"
    return family.why_no_heads
