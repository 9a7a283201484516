"""An exported language model in onnxruntime-genai, on the CPU."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stillhouse.exports.choices import inner_prefixes
from stillhouse.exports.next_token import answer_greedily, log_softmax
from stillhouse.exports.runtime import OwnTokens, differ_at_once
from stillhouse.inference.loading import Loading

if TYPE_CHECKING:
    from stillhouse.inference.encoder.label_encoder import LabelEncoder

_CONFIG = "genai_config.json"
Logprobs = NDArray[np.float64]


class OnnxRuntime:
    """A folder of onnxruntime-genai, loaded."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load it on `threads` threads.

        Raises:
            ModelError: a file is missing or damaged.
        """
        import onnxruntime_genai

        with Loading(f"{folder} can't be loaded by onnxruntime-genai", "Export it again"):
            self._stated = json.loads((folder / _CONFIG).read_bytes())["model"]
            config = onnxruntime_genai.Config(str(folder))
            session = {"intra_op_num_threads": threads, "log_severity_level": 4}
            config.overlay(json.dumps({"model": {"decoder": {"session_options": session}}}))
            self._model = onnxruntime_genai.Model(config)

    def score(self, prompt_ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """See `Runtime.score`."""
        generator = self._begin(prompt_ids, max(len(choice) for choice in choices))
        first = log_softmax(generator.get_logits())
        if differ_at_once(choices):
            return [float(first[choice[0]]) for choice in choices]
        found: dict[tuple[int, ...], Logprobs] = {(): first}
        for prefix in inner_prefixes(choices)[1:]:
            generator.rewind_to(len(prompt_ids) + len(prefix) - 1)
            generator.append_tokens(np.asarray(prefix[-1:], dtype=np.int32))
            found[prefix] = log_softmax(generator.get_logits())
        return [
            float(sum(found[tuple(choice[:place])][token] for place, token in enumerate(choice))) for choice in choices
        ]

    def generate(self, prompt_ids: Sequence[int], *, max_tokens: int, stop_ids: frozenset[int]) -> list[int]:
        """See `Runtime.generate`."""
        generator = self._begin(prompt_ids, max_tokens)

        def read(token: int) -> NDArray[np.float32]:
            generator.append_tokens(np.asarray([token], dtype=np.int32))
            return np.asarray(generator.get_logits())

        first = np.asarray(generator.get_logits())
        return answer_greedily(first, read, max_tokens=max_tokens, stop_ids=stop_ids)

    def tokenize(self, rendered: str) -> list[int] | None:
        """Return None: prompts are read by the tokenizer of the folder."""
        return None

    def own_tokens(self) -> OwnTokens:
        """Return what genai_config.json says, by which onnxruntime-genai's own loop would end an answer."""
        ends = self._stated.get("eos_token_id", [])
        return OwnTokens(
            chat_template=None,
            bos_token_id=self._stated.get("bos_token_id"),
            adds_bos=None,
            stop_ids=frozenset(ends if isinstance(ends, list) else [ends]),
        )

    def close(self) -> None:
        """Free the model."""
        del self._model

    def _begin(self, prompt_ids: Sequence[int], room: int) -> Any:
        """Return a generator that has read the prompt, with room for so many tokens behind it."""
        import onnxruntime_genai

        params = onnxruntime_genai.GeneratorParams(self._model)
        params.set_search_options(max_length=len(prompt_ids) + room + 1, do_sample=False)
        generator = onnxruntime_genai.Generator(self._model, params)
        generator.append_tokens(np.asarray(prompt_ids, dtype=np.int32))
        return generator


def load_runtime(folder: Path, threads: int) -> OnnxRuntime:
    """Return an exported language model, loaded.

    Raises:
        ModelError: as OnnxRuntime.
    """
    return OnnxRuntime(folder, threads)


def load_classifier(folder: Path, threads: int) -> LabelEncoder:
    """Return an exported encoder, loaded; a request takes one thread, whatever `threads` says.

    Raises:
        ModelError: as LabelEncoder.
    """
    from stillhouse.inference.encoder.label_encoder import LabelEncoder

    return LabelEncoder(folder)
