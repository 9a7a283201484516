"""How any engine that serves an export is asked: evaluation and serving use this alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from stillhouse.errors import ModelError
from stillhouse.exports.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class OwnTokens:
    """What an engine's own file says of prompts and ends, by which it would serve alone. None: it says nothing."""

    chat_template: str | None
    bos_token_id: int | None
    adds_bos: bool | None  # whether it puts BOS before a text by itself
    stop_ids: frozenset[int] | None  # the tokens that end an answer


class Runtime(Protocol):
    """An export that is loaded. Calls come one at a time; a server that has several threads locks."""

    def score(self, prompt_ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability (nats) of each choice's token ids behind the prompt.

        Where their first tokens differ (`differ_at_once`), it is that of the first token, out of one forward pass;
        else the sum over all tokens of a choice.
        """

    def generate(self, prompt_ids: Sequence[int], *, max_tokens: int, stop_ids: frozenset[int]) -> list[int]:
        """Return the greedy completion's token ids; the stop token that ended it is the last of them."""

    def tokenize(self, rendered: str) -> list[int] | None:
        """Return a rendered prompt's token ids by the engine's own tokenizer; None if it has none."""

    def own_tokens(self) -> OwnTokens | None:
        """Return what the engine's own file says of prompts; None if the folder's tokenizer files say it all."""

    def close(self) -> None:
        """Free what the engine holds, and end its processes."""


class _Module(Protocol):
    def load_runtime(self, folder: Path, threads: int) -> Runtime:
        """Return a language model's folder, loaded."""


def load_runtime(folder: Path, threads: int) -> Runtime:
    """Return an exported language model, loaded by the engine of its format on `threads` threads.

    Raises:
        ModelError: it is no export, its engine is not installed, or the engine can't load it.
    """
    manifest = read_manifest(folder)
    if manifest.kind != "causal_lm":
        raise ModelError(f"{folder} is an export of kind {manifest.kind}: it has no tokens to ask for.")
    name = f"stillhouse.exports.{manifest.format}.runtime"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        raise ModelError(f"Exports to {manifest.format} need {error.name}: run `make export`.") from error
    return cast(_Module, module).load_runtime(folder, threads)


def differ_at_once(choices: Sequence[Sequence[int]]) -> bool:
    """Return whether the choices' first tokens tell them apart, so that one forward pass scores all."""
    return len({choice[0] for choice in choices}) == len(choices)
