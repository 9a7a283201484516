"""A GGUF export in llama.cpp, as evaluation and serving ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillhouse.exports.gguf.files import MODEL
from stillhouse.exports.gguf.model import GgufModel
from stillhouse.exports.next_token import answer_greedily, log_softmax
from stillhouse.exports.runtime import OwnTokens, differ_at_once

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class GgufRuntime:
    """One loaded file; one request at a time."""

    def __init__(self, model: GgufModel) -> None:
        """Ask `model`, and close it in the end."""
        self._model = model

    def score(self, prompt_ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability (nats) of each choice behind the prompt.

        Raises:
            ModelError: the prompt is longer than what the model can read.
        """
        self._model.reserve(len(prompt_ids) + max(len(choice) for choice in choices))
        behind = log_softmax(self._model.start(prompt_ids))
        first = [float(behind[choice[0]]) for choice in choices]
        if differ_at_once(choices):
            return first
        return [known + self._score_rest(choice) for known, choice in zip(first, choices, strict=True)]

    def _score_rest(self, choice: Sequence[int]) -> float:
        if len(choice) == 1:
            return 0.0
        behind = self._model.read_each(choice[:-1])
        return float(sum(log_softmax(row)[token] for row, token in zip(behind, choice[1:], strict=True)))

    def generate(self, prompt_ids: Sequence[int], *, max_tokens: int, stop_ids: frozenset[int]) -> list[int]:
        """Return the greedy completion's token ids; the stop token that ended it is the last of them.

        Raises:
            ModelError: the prompt is longer than what the model can read.
        """
        self._model.reserve(len(prompt_ids) + max_tokens)
        first = self._model.start(prompt_ids)
        return answer_greedily(first, lambda token: self._model.read([token]), max_tokens=max_tokens, stop_ids=stop_ids)

    def tokenize(self, rendered: str) -> list[int]:
        """Return a rendered prompt's token ids by llama.cpp's own tokenizer."""
        return self._model.tokenize(rendered)

    def own_tokens(self) -> OwnTokens:
        """Return what the file says of prompts and ends; llama.cpp adds ends that it knows by their texts."""
        model = self._model
        return OwnTokens(
            chat_template=model.chat_template,
            bos_token_id=model.bos_token_id,
            adds_bos=model.adds_bos,
            stop_ids=model.stop_ids,
        )

    def close(self) -> None:
        """Free the memory."""
        self._model.close()


def load_runtime(folder: Path, threads: int) -> GgufRuntime:
    """Return an exported folder's file, loaded on `threads` threads.

    Raises:
        ModelError: llama.cpp can't read it.
    """
    return GgufRuntime(GgufModel(folder / MODEL, threads))
