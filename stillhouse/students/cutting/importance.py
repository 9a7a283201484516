"""What each layer, neuron and head of a model does on a sample of rows, by its own activations.

Imported in the engine environment only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

from stillhouse.students.cutting.families import FeedForward, Heads
from stillhouse.students.cutting.loss import mean_loss
from stillhouse.students.cutting.shape import Shape
from stillhouse.students.initialise import find_layers

Rows = Sequence[dict[str, list[int]]]
Beat = Callable[[], None]


@dataclass
class Importance:
    """Sums over the tokens of a sample, a tensor a layer, in float64."""

    tokens: int = 0
    turned: dict[int, torch.Tensor] = field(default_factory=dict)  # [] 1 - cosine of what a layer reads and writes
    neurons: dict[int, torch.Tensor] = field(default_factory=dict)  # [neurons] squared length of what each adds
    heads: dict[int, torch.Tensor] = field(default_factory=dict)  # [heads] the same

    def influence(self) -> list[float]:
        """Return each layer's block influence: the mean of 1 - cosine, in [0, 2].

        Source: ShortGPT, arXiv:2403.03853, equation 1.
        """
        return [float(self.turned[layer]) / self.tokens for layer in sorted(self.turned)]

    def add(self, sums: dict[int, torch.Tensor], layer: int, value: torch.Tensor) -> None:
        """Add the sums of one row to those of a layer."""
        sums[layer] = sums.get(layer, torch.zeros_like(value)) + value


def measure(model: Any, rows: Rows, feed_forward: FeedForward | None, heads: Heads | None, beat: Beat) -> Importance:
    """Return what layers and, where asked, neurons and heads do on all tokens of `rows`.

    A neuron or head counts by the length of what it adds to the hidden state, root mean square over tokens: Minitron's
    importance (arXiv:2407.14679, section 2.2) is of the activation alone, which also counts what the next linear layer
    ignores.
    """
    found, shape = Importance(), Shape.of(model.config)
    with torch.no_grad(), _hooks(model, found, feed_forward, heads, shape):
        for row in rows:
            found.tokens += len(row["input_ids"])
            model(input_ids=torch.tensor([row["input_ids"]], device=model.device), use_cache=False)
            beat()
    return found


def loss_without(model: Any, rows: Rows, beat: Beat) -> list[float]:
    """Return by how much the loss on `rows` rises without each layer, in nats: negative where it falls."""
    whole = mean_loss(model, rows, beat)
    found = []
    for layer in find_layers(model):
        hook = layer.register_forward_hook(_passed_on, with_kwargs=True)
        found.append(mean_loss(model, rows, beat) - whole)
        hook.remove()
    return found


@contextmanager
def _hooks(
    model: Any, found: Importance, feed_forward: FeedForward | None, heads: Heads | None, shape: Shape
) -> Iterator[None]:
    hooks = []
    for number, layer in enumerate(find_layers(model)):
        hooks.append(layer.register_forward_hook(_turning(found, number), with_kwargs=True))
        if feed_forward:
            out = layer.get_submodule(feed_forward.out)
            hooks.append(out.register_forward_pre_hook(_adding(found, found.neurons, number, out, 1)))
        if heads:
            out = layer.get_submodule(heads.out)
            hooks.append(out.register_forward_pre_hook(_adding(found, found.heads, number, out, shape.head_size)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _turning(found: Importance, layer: int) -> Callable[..., None]:
    def hook(_module: Any, args: Any, named: Any, output: Any) -> None:
        read_TC, written_TC = _hidden(args, named)[0].double(), _first(output)[0].double()
        cosine_T = functional.cosine_similarity(read_TC, written_TC, dim=-1)
        found.add(found.turned, layer, (1 - cosine_T).sum())

    return hook


def _adding(
    found: Importance, sums: dict[int, torch.Tensor], layer: int, out: Any, size: int
) -> Callable[[Any, Any], None]:
    """Return a hook that adds up, a part of `size` inputs of `out` each, the squared length of what the part adds."""
    weight_CI = out.weight.double() if isinstance(out, torch.nn.Linear) else out.weight.double().T
    parts_PCD = weight_CI.unflatten(1, (-1, size)).transpose(0, 1)
    grams_PDD = parts_PCD.transpose(1, 2) @ parts_PCD

    def hook(_module: Any, args: Any) -> None:
        inputs_TPD = args[0][0].double().unflatten(-1, (-1, size))
        found.add(sums, layer, torch.einsum("tpd,pde,tpe->p", inputs_TPD, grams_PDD, inputs_TPD))

    return hook


def _passed_on(_module: Any, args: Any, named: Any, output: Any) -> Any:
    """Make a layer hand on what it read."""
    read = _hidden(args, named)
    return (read, *output[1:]) if isinstance(output, tuple) else read


def _hidden(args: Any, named: Any) -> torch.Tensor:
    hidden: torch.Tensor = args[0] if args else named["hidden_states"]
    return hidden


def _first(output: Any) -> torch.Tensor:
    first: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return first
