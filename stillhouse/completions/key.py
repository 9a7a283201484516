"""The key of a completion: it says when two requests are the same."""

from typing import Any

from stillhouse.artifacts.fingerprint import sha256_json
from stillhouse.config import identity
from stillhouse.recipe.teacher import Sampling


def teacher_fingerprint(model: dict[str, Any], dtype: str, quantization: str, engine: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) that names a teacher's folder: model identity, dtype, quantisation.

    `engine` is what else its engine was told that changes answers; most are told nothing, as all once were.
    """
    told = {"engine": engine} if engine else {}
    return sha256_json({"model": model, "dtype": dtype, "quantization": quantization, **told})


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
    return sha256_json(body)
