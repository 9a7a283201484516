"""Makes the student before training: a base model cut down to evenly spaced layers.

Command: `python -m stillhouse.students.initialise spec.json` (engine environment)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillhouse.errors import ModelError
from stillhouse.students.base_model import load_base
from stillhouse.students.minimal_template import give_template
from stillhouse.students.spec import InitialiseSpec
from stillhouse.students.tokens import stop_ids

if TYPE_CHECKING:
    from stillhouse.runtime.worker import Reporter

# where transformers' models keep their decoder layers, those inside a model that sees last
LAYER_PATHS = (
    "model.layers",
    "transformer.h",
    "gpt_neox.layers",
    "model.decoder.layers",
    "model.language_model.layers",
    "language_model.model.layers",
)
# weights of another shape or number for each layer, which do not follow a layer that moves
_PER_LAYER = ("hidden_size_per_layer_input", "num_kv_shared_layers", "num_kv_reuse_layers")


def evenly_spaced(num_layers: int, keep: int) -> tuple[int, ...]:
    """Return `keep` ascending, evenly spaced indices out of `num_layers`, with the first and the last.

    Raises:
        ModelError: `keep` is larger than `num_layers`, or too small to hold the first and the last layer.
    """
    if keep > num_layers:
        raise ModelError(
            f"student.layers is {keep}, but the base model has {num_layers} layers: keep at most that many."
        )
    if keep == num_layers:
        return tuple(range(num_layers))
    if keep < 2:
        raise ModelError(f"student.layers is {keep}: keep at least 2 layers (the first and the last), or 0 for all.")
    # round half up in whole numbers: the choice must not depend on floating point
    return tuple((2 * i * (num_layers - 1) + keep - 1) // (2 * (keep - 1)) for i in range(keep))


def initialise(
    base_model: str, revision: str, layers: int, chat_template: str | None, **loading: Any
) -> tuple[Any, Any]:
    """Return (model with `layers` layers, tokenizer with its chat template); `loading` is that of `load_base`.

    Raises:
        ModelError: the model can't be loaded, its layers can't be found, or it has no chat template.
    """
    model, tokenizer = load_base(base_model, revision, **loading)
    stops = stop_ids(model.generation_config, tokenizer)
    give_template(tokenizer, base_model, is_minimal=chat_template is not None, stops=stops)
    if layers:
        keep_layers(model, layers)
    return model, tokenizer


def check_layers(config: Any, keep: int, *, is_even: bool = True) -> None:
    """Refuse a cut to `keep` layers, evenly spaced or others, that the model of this configuration does not allow.

    Raises:
        ModelError: layers have inputs of their own, differ, or share what they keep; or there are too few.
    """
    text = config.get_text_config()
    own = next((name for name in _PER_LAYER if getattr(text, name, None)), "")
    if getattr(text, "is_heterogeneous", False):
        own = own or "layers of different shapes"
    if own:
        raise ModelError(
            f"student.layers is {keep}, but a model of kind {text.model_type} can't be cut: its layers differ, or "
            f"depend on weights outside them ({own}). Set student.layers to 0, or take another base model."
        )
    evenly_spaced(text.num_hidden_layers, keep if is_even else max(keep, min(2, text.num_hidden_layers)))


def keep_layers(model: Any, keep: int) -> tuple[int, ...]:
    """Cut `model` down to `keep` evenly spaced layers, in place, and return their original indices.

    Raises:
        ModelError: the layers can't be found, or there are too few of them.
    """
    check_layers(model.config, keep)
    indices = evenly_spaced(len(find_layers(model)), keep)
    take_layers(model, indices)
    return indices


def take_layers(model: Any, indices: Sequence[int]) -> None:
    """Cut `model` down to the layers of these ascending indices, in place.

    Raises:
        ModelError: the layers can't be found.
    """
    from torch import nn

    owner, name = _place_of_layers(model)
    layers = getattr(owner, name)
    setattr(owner, name, nn.ModuleList(layers[index] for index in indices))
    _fit_config(model.config.get_text_config(), indices, len(layers))
    for position, layer in enumerate(getattr(owner, name)):
        for module in layer.modules():
            # the index under which attention stores its keys and values; a gap would break cached decoding
            if isinstance(getattr(module, "layer_idx", None), int):
                module.layer_idx = position


def find_layers(model: Any) -> Any:
    """Return the model's decoder layers.

    Raises:
        ModelError: they can't be found.
    """
    owner, name = _place_of_layers(model)
    return getattr(owner, name)


def _place_of_layers(model: Any) -> tuple[Any, str]:
    from torch import nn

    for path in LAYER_PATHS:
        owner, *_, name = model, *path.split(".")
        for step in path.split(".")[:-1]:
            owner = getattr(owner, step, None)
        if isinstance(getattr(owner, name, None), nn.ModuleList):
            return owner, name
    raise ModelError(
        f"{type(model).__name__} keeps its layers under none of {', '.join(LAYER_PATHS)}: set student.layers to 0 to "
        "train it whole, or choose another base model."
    )


def _fit_config(config: Any, indices: Sequence[int], num_layers: int) -> None:
    for name, value in list(vars(config).items()):
        # layer_types, no_rope_layers, mlp_layer_types …: one entry a layer
        if "layer" in name and isinstance(value, list | tuple) and len(value) == num_layers:
            setattr(config, name, [value[index] for index in indices])
    config.num_hidden_layers = len(indices)


def run(spec: InitialiseSpec, report: Reporter) -> dict[str, Any]:
    """Write the untrained student to `spec.out` and return its parameter count and kept layers.

    Raises:
        ModelError: the base model can't be loaded or cut, or its chat template can't be trained on.
    """
    from stillhouse.students.export import copy_processor, save_student
    from stillhouse.students.row_sample import try_rows
    from stillhouse.students.served_template import prepare_template

    model, tokenizer = initialise(spec.base_model, spec.revision, spec.layers, spec.chat_template)
    prepare_template(tokenizer, spec)
    stops = stop_ids(model.generation_config, tokenizer)
    try_rows(tokenizer, spec.sample, stops, with_reasoning=spec.reasoning == "keep")
    save_student(model, tokenizer, Path(spec.out), spec.precision)
    copy_processor(model.config, spec.base_model, spec.revision, Path(spec.out))
    report.log(f"untrained student: {model.num_parameters():,} parameters")
    return {"parameters": model.num_parameters(), "layers": model.config.get_text_config().num_hidden_layers}


if __name__ == "__main__":
    from stillhouse.runtime.worker import serve

    serve(InitialiseSpec, run)
