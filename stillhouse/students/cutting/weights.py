"""Cuts a model's weights in place; it has to be saved and loaded again before it is used.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from stillhouse.students.cutting.families import FeedForward, Heads
from stillhouse.students.cutting.shape import Shape
from stillhouse.students.initialise import find_layers

_NEW_SEED = 0


def narrow_feed_forward(model: Any, parts: FeedForward, keep: int, importance: dict[int, torch.Tensor]) -> None:
    """Keep the `keep` most important neurons of each layer, in their order; `importance` holds [neurons] by layer."""
    for number, layer in enumerate(find_layers(model)):
        kept_K = _most(importance[number], keep)
        neurons = len(importance[number])
        fused = torch.cat([kept_K + part * neurons for part in range(parts.times)])
        for name in parts.into:
            _take(layer.get_submodule(name), fused, is_output=True)
        _take(layer.get_submodule(parts.out), kept_K, is_output=False)


def narrow_heads(model: Any, parts: Heads, whole: Shape, kept: Shape, importance: dict[int, torch.Tensor]) -> None:
    """Keep the most important heads of each layer; `importance` holds [heads] by layer.

    Heads that share keys and values go or stay together; if all share the same, some of them go.
    """
    for number, layer in enumerate(find_layers(model)):
        if whole.kv_heads > 1:
            groups_G = _most(importance[number].unflatten(0, (whole.kv_heads, -1)).sum(1), kept.kv_heads)
            heads_H = _spread(groups_G, whole.heads // whole.kv_heads)
        else:
            groups_G, heads_H = torch.tensor([0]), _most(importance[number], kept.heads)
        queries, pairs = _spread(heads_H, whole.head_size), _spread(groups_G, whole.head_size)
        if parts.is_fused:
            keys = whole.heads * whole.head_size + pairs
            fused = torch.cat([queries, keys, keys + whole.kv_heads * whole.head_size])
            _take(layer.get_submodule(parts.queries), fused, is_output=True)
        else:
            _take(layer.get_submodule(parts.queries), queries, is_output=True)
            for name in (parts.keys, parts.values):
                _take(layer.get_submodule(name), pairs, is_output=True)
        _take(layer.get_submodule(parts.out), queries, is_output=False)


def change_embeddings(model: Any, how: str) -> None:
    """Tie the output layer to the embeddings, untie it, or draw both anew as wide as they are."""
    embeddings, output = model.get_input_embeddings(), model.get_output_embeddings()
    if how == "new":
        chance = torch.Generator().manual_seed(_NEW_SEED)
        # a tied one is drawn once
        for weight in {id(one.weight): one.weight for one in (embeddings, output)}.values():
            drawn = torch.randn(weight.shape, generator=chance) * weight.float().std().cpu()
            weight.data.copy_(drawn)
        return
    is_tied = how == "tied"
    output.weight = embeddings.weight if is_tied else nn.Parameter(embeddings.weight.detach().clone())
    for config in (model.config, model.config.get_text_config()):
        config.tie_word_embeddings = is_tied
    if not is_tied:
        # saving leaves out what is listed here as a copy
        model.all_tied_weights_keys = {}


def _most(importance: torch.Tensor, keep: int) -> torch.Tensor:
    """Return the ascending indices of the `keep` largest; of equals the first ones."""
    order = torch.sort(importance.cpu(), descending=True, stable=True).indices
    return order[:keep].sort().values


def _spread(parts: torch.Tensor, size: int) -> torch.Tensor:
    """Return the indices of all numbers in these parts of `size` numbers each."""
    return (parts[:, None] * size + torch.arange(size)).flatten()


def _take(module: Any, indices: torch.Tensor, *, is_output: bool) -> None:
    """Keep these outputs, or inputs, of a linear layer; GPT-2's hold their weights the other way round."""
    is_linear = isinstance(module, nn.Linear)
    axis = 0 if is_output == is_linear else 1
    indices = indices.to(module.weight.device)
    module.weight = nn.Parameter(module.weight.detach().index_select(axis, indices))
    if is_output and getattr(module, "bias", None) is not None:
        module.bias = nn.Parameter(module.bias.detach().index_select(0, indices))
    size = "out_features" if is_output else "in_features"
    setattr(module, size if is_linear else ("nf" if is_output else "nx"), len(indices))
