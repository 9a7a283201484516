"""An exported language model in vLLM, on a GPU or a CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.exports.choices import inner_prefixes
from stillhouse.exports.runtime import OwnTokens, differ_at_once
from stillhouse.inference.loading import load_config
from stillhouse.inference.vllm.engine import environment_for, start_engine
from stillhouse.inference.vllm.sizing import Job
from stillhouse.recipe.engine import Engine

# tokens of a sequence that an engine starts with; it is started again for more
_ROOM = 1024
# tokens whose log-probabilities vLLM gives at once; asking for more is refused
_MOST_TOKENS = 128


class VllmRuntime:
    """A folder in vLLM, loaded."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load it on `threads` threads, if it runs on a CPU.

        Raises:
            ModelError: a file is missing or damaged, or vLLM can't compute in 8 bits on this machine.
        """
        self._folder, self._engine = folder, Engine(threads=threads)
        # read as torch and vLLM are imported
        os.environ.update(environment_for(self._engine))
        config = load_config(str(folder)).get_text_config()
        self._most = int(getattr(config, "max_position_embeddings", None) or 2**20)
        self._room = min(_ROOM, self._most)
        self._llm = self._start()

    def score(self, prompt_ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """See `Runtime.score`."""
        prefixes = [()] if differ_at_once(choices) else inner_prefixes(choices)
        found = {prefix: self._next(prompt_ids, prefix, choices) for prefix in prefixes}
        if differ_at_once(choices):
            return [found[()][choice[0]] for choice in choices]
        return [sum(found[tuple(choice[:place])][token] for place, token in enumerate(choice)) for choice in choices]

    def generate(self, prompt_ids: Sequence[int], *, max_tokens: int, stop_ids: frozenset[int]) -> list[int]:
        """See `Runtime.generate`."""
        asked = {"max_tokens": max_tokens, "ignore_eos": True, "stop_token_ids": sorted(stop_ids)}
        return list(self._ask(prompt_ids, asked).token_ids)

    def tokenize(self, rendered: str) -> list[int] | None:
        """Return None: prompts are read by the tokenizer of the folder."""
        return None

    def own_tokens(self) -> OwnTokens | None:
        """Return None: the folder's tokenizer files say it all."""
        return None

    def close(self) -> None:
        """Free the model."""
        del self._llm

    def _next(
        self, prompt_ids: Sequence[int], prefix: tuple[int, ...], choices: Sequence[Sequence[int]]
    ) -> dict[int, float]:
        """Return the log-probability of each token that follows `prefix` in a choice."""
        at = len(prefix)
        wanted = sorted({one[at] for one in choices if len(one) > at and tuple(one[:at]) == prefix})
        found: dict[int, float] = {}
        for start in range(0, len(wanted), _MOST_TOKENS):
            asked = {"max_tokens": 1, "logprob_token_ids": wanted[start : start + _MOST_TOKENS]}
            (given,) = self._ask([*prompt_ids, *prefix], asked).logprobs
            found |= {token: given[token].logprob for token in wanted[start : start + _MOST_TOKENS]}
        return found

    def _ask(self, ids: Sequence[int], fields: dict[str, Any]) -> Any:
        from vllm import SamplingParams
        from vllm.inputs import TokensPrompt

        needed = len(ids) + fields["max_tokens"] + 1
        if needed > self._room:
            self._grow(needed)
        params = SamplingParams(temperature=0.0, detokenize=False, **fields)
        (done,) = self._llm.generate([TokensPrompt(prompt_token_ids=list(ids))], params, use_tqdm=False)
        return done.outputs[0]

    def _grow(self, needed: int) -> None:
        """Start the engine again with room for a longer sequence."""
        self._room = min(max(2 * self._room, needed), self._most)
        # two at once may not fit the machine
        self.close()
        self._llm = self._start()

    def _start(self) -> Any:
        # room for two: where layers' caches differ in kind, as Gemma 3's do, one sequence takes more than it counts
        job = Job(num_requests=2, longest_prompt=self._room - 2, max_tokens=1, is_measured=True)
        path, settings = str(self._folder), self._engine
        try:
            return start_engine(path, revision="", dtype="bfloat16", quantization="", engine=settings, job=job)
        except ModelError as error:
            raise ModelError(
                f"{error} Leave vllm out of `export`; if it was served before, export it again."
            ) from error


def load_runtime(folder: Path, threads: int) -> VllmRuntime:
    """Return an exported language model, loaded.

    Raises:
        ModelError: as VllmRuntime.
    """
    return VllmRuntime(folder, threads)
