"""One stored teacher answer, and the key that says when two requests are the same.

Separate because the worker that asks, the store that keeps and the filters that judge all share it.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from stillhouse.config import identity
from stillhouse.recipe.teacher import Sampling


class Completion(BaseModel):
    """One stored answer; failed and truncated ones are kept too, so that a filter decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    text: str
    finish_reason: str  # stop | length | error:<kind>
    prompt_tokens: int
    completion_tokens: int
    token_ids: tuple[int, ...] = ()
    # per token: {token id: logprob}, the chosen token always among them; empty where none were asked
    logprobs: tuple[dict[int, float], ...] = ()
    cumulative_logprob: float | None = None
    seconds: float  # from submission to the last token
    teacher: str  # the teacher fingerprint, which is the folder of its segments
    created: str  # ISO 8601, UTC
    teacher_number: int | None = None  # which of the recipe's teachers, from 1, where it has several; never stored

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability a token (nats), or None where it is not known."""
        if self.cumulative_logprob is None or not self.completion_tokens:
            return None
        return self.cumulative_logprob / self.completion_tokens


def teacher_fingerprint(model: dict[str, Any], dtype: str, quantization: str) -> str:
    """Return the SHA-256 (hex) that names a teacher's folder: model identity, dtype, quantisation."""
    return _sha256({"model": model, "dtype": dtype, "quantization": quantization})


def completion_key(
    teacher: str, rendered_prompt: str, sampling: Sampling, output: dict[str, Any], sample_index: int
) -> str:
    """Return the SHA-256 (hex) of everything that decides an answer, and of nothing else.

    `output` is the constraint as asked ({} for none). The number of samples and of logprobs is left out: sample i
    is the same whatever n is, and an answer stored with more logprobs serves a request for fewer (a hit needs
    stored k >= asked k, which the store checks).
    """
    drawn = {name: value for name, value in identity(sampling).items() if name not in ("n", "logprobs", "seed")}
    greedy = sampling.temperature == 0.0
    body = {
        "teacher": teacher,
        "prompt": rendered_prompt,
        "sampling": drawn,
        "output": output,
        # a greedy answer does not depend on the seed: changing it must not pay the teacher again
        "seed": None if greedy else sampling.seed + sample_index,
        "sample_index": sample_index,
    }
    return _sha256(body)


def _sha256(body: Any) -> str:
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()
