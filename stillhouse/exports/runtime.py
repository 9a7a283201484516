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

    from stillhouse.inference.encoder.runtime import Vectors


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


class Classifier(Protocol):
    """An exported encoder that is loaded. Calls come one at a time."""

    labels: tuple[str, ...]

    def logits(self, texts: Sequence[str]) -> Vectors:
        """Return the logits of the labels for each text, [texts, labels]."""

    def mean_tokens(self, texts: Sequence[str]) -> float:
        """Return how many tokens of a text are read, in the mean."""


class _Module(Protocol):
    def load_runtime(self, folder: Path, threads: int) -> Runtime:
        """Return a language model's folder, loaded."""

    def load_classifier(self, folder: Path, threads: int) -> Classifier:
        """Return an encoder's folder, loaded; a format that takes encoders has it."""


def load_runtime(folder: Path, threads: int) -> Runtime:
    """Return an exported language model, loaded by the engine of its format on `threads` threads.

    Raises:
        ModelError: it is no export of a language model, its engine is not installed, or can't load it.
    """
    return _module_for(folder, "causal_lm").load_runtime(folder, threads)


def load_classifier(folder: Path, threads: int) -> Classifier:
    """Return an exported encoder, loaded by the engine of its format on `threads` threads.

    Raises:
        ModelError: it is no export of an encoder, its engine is not installed, or can't load it.
    """
    return _module_for(folder, "encoder").load_classifier(folder, threads)


def _module_for(folder: Path, kind: str) -> _Module:
    manifest = read_manifest(folder)
    if manifest.kind != kind:
        raise ModelError(f"{folder} is an export of kind {manifest.kind}, and not of kind {kind}.")
    try:
        return cast(_Module, import_module(f"stillhouse.exports.{manifest.format}.runtime"))
    except ModuleNotFoundError as error:
        raise ModelError(f"Exports to {manifest.format} need {error.name}: run `make export`.") from error


def differ_at_once(choices: Sequence[Sequence[int]]) -> bool:
    """Return whether the choices' first tokens tell them apart, so that one forward pass scores all."""
    return len({choice[0] for choice in choices}) == len(choices)
