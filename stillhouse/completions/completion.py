"""One stored completion, and the key that says when two requests are the same."""

import hashlib
import json
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from stillhouse.config import identity
from stillhouse.recipe.teacher import Sampling


class CompletionSlot(NamedTuple):
    """One line of a generation's table: a rollout of a row's prompt, and the key of its completion.

    Rows with equal prompts have slots with equal keys.
    """

    row_id: str
    rollout_index: int
    key: str


class Completion(BaseModel):
    """One stored completion; failed and truncated ones are kept too, so that a filter decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    text: str
    finish_reason: str  # stop | length | error:<kind>
    prompt_tokens: int
    completion_tokens: int
    token_ids: tuple[int, ...] = ()
    # per token: {token id: logprob}, the chosen token always among them; empty if none were requested
    logprobs: tuple[dict[int, float], ...] = ()
    cumulative_logprob: float | None = None
    seconds: float  # from submission to the last token
    teacher: str  # the teacher fingerprint, which is the folder of its segments
    created: str  # ISO 8601, UTC
    teacher_number: int | None = None  # the recipe's teacher, from 1; None if it has one; never stored

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability a token (nats), or None if it is not known."""
        if self.cumulative_logprob is None or not self.completion_tokens:
            return None
        return self.cumulative_logprob / self.completion_tokens


def teacher_fingerprint(model: dict[str, Any], dtype: str, quantization: str) -> str:
    """Return the SHA-256 (hex) that names a teacher's folder: model identity, dtype, quantisation."""
    return _sha256({"model": model, "dtype": dtype, "quantization": quantization})


def completion_key(
    teacher: str, rendered_prompt: str, sampling: Sampling, output: dict[str, Any], rollout_index: int
) -> str:
    """Return the SHA-256 (hex) of everything that decides a completion, and of nothing else.

    `output` is the constraint as requested ({} for none). The number of rollouts and of logprobs is left out: rollout i
    is the same whatever n is, and a completion stored with more logprobs serves a request for fewer (a hit needs
    stored k >= requested k, which the store checks).
    """
    drawn = {name: value for name, value in identity(sampling).items() if name not in ("n", "logprobs", "seed")}
    greedy = sampling.temperature == 0.0
    body = {
        "teacher": teacher,
        "prompt": rendered_prompt,
        "sampling": drawn,
        "output": output,
        # a greedy completion does not depend on the seed: changing it must not pay the teacher again
        "seed": None if greedy else sampling.seed + rollout_index,
        "sample_index": rollout_index,
    }
    return _sha256(body)


def _sha256(body: Any) -> str:
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()
