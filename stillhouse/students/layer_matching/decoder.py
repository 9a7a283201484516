"""Finds the layers and the embedding of a causal model, below an adapter too.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillhouse.errors import ModelError
from stillhouse.students.initialise import LAYER_PATHS

if TYPE_CHECKING:
    from torch import nn

# MPT's can't be cut, which keeps no one from learning them
_PATHS = (*LAYER_PATHS, "transformer.blocks")


def without_adapter(model: Any) -> Any:
    """Return the transformers model inside a model with an adapter, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def text_config(model: Any) -> Any:
    """Return the configuration of the model's decoder."""
    return without_adapter(model).config.get_text_config()


def decoder_layers(model: Any) -> nn.ModuleList:
    """Return the decoder's layers.

    Raises:
        ModelError: they are in none of the known places.
    """
    from torch import nn

    inner = without_adapter(model)
    for path in _PATHS:
        try:
            found = inner.get_submodule(path)
        except AttributeError:
            continue
        if isinstance(found, nn.ModuleList):
            return found
    raise ModelError(
        f"{type(inner).__name__} keeps its layers under none of {', '.join(_PATHS)}, so they can't be compared: "
        "take training.kind: sft, or another model."
    )
