"""A CTranslate2 export, as evaluation and serving ask it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from ctranslate2 import Generator

from stillhouse.errors import ModelError
from stillhouse.exports.ctranslate2.files import MODEL, VOCABULARY
from stillhouse.exports.next_token import log_softmax
from stillhouse.exports.runtime import differ_at_once

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class CTranslate2Runtime:
    """One loaded model; one request at a time."""

    def __init__(self, generator: Any, tokens: list[str]) -> None:
        """Ask `generator`, which names token i as `tokens[i]`."""
        self._generator = generator
        self._tokens = tokens

    def score(self, prompt_ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability (nats) of each choice behind the prompt."""
        if differ_at_once(choices):
            behind = self._behind(prompt_ids)
            return [float(behind[choice[0]]) for choice in choices]
        whole = [self._names([*prompt_ids, *choice]) for choice in choices]
        # 0: nothing is cut off
        found = self._generator.score_batch(whole, max_input_length=0)
        return [float(sum(one.log_probs[-len(choice) :])) for one, choice in zip(found, choices, strict=True)]

    def _behind(self, prompt_ids: Sequence[int]) -> NDArray[np.float64]:
        """Return the log-probabilities of the token behind the prompt, [vocabulary]."""
        (found,) = self._generator.generate_batch(
            [self._names(prompt_ids)], max_length=1, include_prompt_in_result=False, return_logits_vocab=True
        )
        return log_softmax(np.asarray(found.logits[0][0]))

    def generate(self, prompt_ids: Sequence[int], *, max_tokens: int, stop_ids: frozenset[int]) -> list[int]:
        """Return the greedy completion's token ids; the stop token that ended it is the last of them."""
        (found,) = self._generator.generate_batch(
            [self._names(prompt_ids)],
            max_length=max_tokens,
            include_prompt_in_result=False,
            end_token=sorted(stop_ids),
            return_end_token=True,
        )
        return [int(one) for one in found.sequences_ids[0]]

    def _names(self, ids: Sequence[int]) -> list[str]:
        return [self._tokens[one] for one in ids]

    def tokenize(self, rendered: str) -> None:
        """Return None: CTranslate2 has no tokenizer."""

    def own_tokens(self) -> None:
        """Return None: the tokenizer's files in the folder say all."""

    def close(self) -> None:
        """Free the memory."""
        self._generator.unload_model()


def load_runtime(folder: Path, threads: int) -> CTranslate2Runtime:
    """Return an exported folder's model, loaded on `threads` threads.

    Raises:
        ModelError: CTranslate2 can't read it.
    """
    try:
        tokens = json.loads((folder / MODEL / VOCABULARY).read_text(encoding="utf-8"))
        generator = Generator(str(folder / MODEL), device="cpu", inter_threads=1, intra_threads=threads)
    except (OSError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise ModelError(f"CTranslate2 can't read {folder / MODEL}: {said}. Export the student again.") from error
    return CTranslate2Runtime(generator, tokens)
