"""Keeps what chosen modules of a model give in a forward pass.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn


class Capture:
    """The outputs of named modules, of the forward pass within `with capture:`.

    Passes outside of it keep nothing: gradient checkpointing runs layers again in the backward pass.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        """Watch the modules until `remove`."""
        self.taken: dict[str, torch.Tensor] = {}
        self._is_on = False
        self._hooks = [module.register_forward_hook(self._keep_as(name)) for name, module in modules.items()]

    def __enter__(self) -> Capture:
        self.taken = {}
        self._is_on = True
        return self

    def __exit__(self, *_: object) -> None:
        self._is_on = False

    def remove(self) -> None:
        """Let go of the modules, and of what they gave."""
        self.taken = {}
        for hook in self._hooks:
            hook.remove()

    def _keep_as(self, name: str) -> Any:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if self._is_on:
                self.taken[name] = output[0] if isinstance(output, tuple) else output

        return keep
