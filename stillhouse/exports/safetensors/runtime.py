"""A student in transformers, with the weights that training left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from stillhouse.exports.next_token import answer_greedily
from stillhouse.exports.runtime import OwnTokens, differ_at_once
from stillhouse.exports.safetensors.encoder import TorchEncoder
from stillhouse.inference.loading import Loading


class TransformersRuntime:
    """A folder of transformers, loaded."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load it on `threads` threads of the CPU.

        Raises:
            ModelError: a file is missing or damaged.
        """
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(threads)
        with Loading(f"{folder} can't be loaded by transformers", "Export it again"):
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype="auto", use_safetensors=True, trust_remote_code=False
            )
        self._model = cast(Any, model).eval()

    def score(self, prompt_ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """See `Runtime.score`; of longer choices all are read at once, behind one reading of the prompt."""
        import torch

        first, past = self._read(torch.tensor([list(prompt_ids)]), None)
        start = first[0, -1].double().log_softmax(-1)
        if differ_at_once(choices):
            return [float(start[choice[0]]) for choice in choices]
        longest = max(len(choice) for choice in choices)
        # what stands behind a choice can't change what stands before it
        padded = torch.tensor([[*choice, *[choice[-1]] * (longest - len(choice))] for choice in choices])
        past.batch_repeat_interleave(len(choices))
        later, _ = self._read(padded, past)
        behind = later.double().log_softmax(-1)
        return [
            float(start[choice[0]]) + sum(float(behind[row, at, token]) for at, token in enumerate(choice[1:]))
            for row, choice in enumerate(choices)
        ]

    def generate(self, prompt_ids: Sequence[int], *, max_tokens: int, stop_ids: frozenset[int]) -> list[int]:
        """See `Runtime.generate`."""
        import torch

        logits, past = self._read(torch.tensor([list(prompt_ids)]), None)

        def read(token: int) -> Any:
            # the cache grows where it is
            return self._read(torch.tensor([[token]]), past)[0][0, -1]

        return answer_greedily(logits[0, -1], read, max_tokens=max_tokens, stop_ids=stop_ids)

    def tokenize(self, rendered: str) -> list[int] | None:
        """Return None: prompts are read by the tokenizer of the folder."""
        return None

    def own_tokens(self) -> OwnTokens | None:
        """Return None: the folder's tokenizer files say it all."""
        return None

    def close(self) -> None:
        """Free the model."""
        del self._model

    def _read(self, ids: Any, past: Any) -> tuple[Any, Any]:
        import torch

        with torch.inference_mode():
            found = self._model(input_ids=ids, past_key_values=past, use_cache=True)
        return found.logits, found.past_key_values


def load_runtime(folder: Path, threads: int) -> TransformersRuntime:
    """Return an exported language model, loaded.

    Raises:
        ModelError: as TransformersRuntime.
    """
    return TransformersRuntime(folder, threads)


def load_classifier(folder: Path, threads: int) -> TorchEncoder:
    """Return an exported encoder, loaded.

    Raises:
        ModelError: as TorchEncoder.
    """
    return TorchEncoder(folder, threads)
