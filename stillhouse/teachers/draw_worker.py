"""Draws tokens from a teacher's whole distribution at each position of its stored completions.

The likeliest tokens alone say nothing about how the rest of the mass is spread: tokens drawn from the whole
distribution give the loss and its gradient right on average. No engine hands that distribution over, so the teacher
reads its own completions once more, in one forward pass each, and the distribution never leaves this process.

Source: Anshumann et al., "Sparse Logit Sampling", arXiv:2503.16870.
Command: `python -m stillhouse.teachers.draw_worker spec.json` (engine environment)
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stillhouse.artifacts.store import Store
from stillhouse.completions.completion import Completion
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.token_numbers import TokenLine, TokenNumbers, write_token_lines
from stillhouse.errors import ModelError
from stillhouse.inference.loading import Loading
from stillhouse.runtime.worker import serve
from stillhouse.teachers.requests import PreparedRequests
from stillhouse.teachers.spec import DrawSpec

if TYPE_CHECKING:
    from stillhouse.runtime.worker import Reporter

# positions whose distributions are held at once, in 64 bits: of 150,000 tokens 77 MB
_POSITIONS = 64


def run(spec: DrawSpec, report: Reporter) -> dict[str, Any]:
    """Write draws.parquet into `spec.out`, a line a completion with its key as id, and return how many there are.

    Raises:
        ModelError: the teacher can't be loaded for a forward pass.
    """
    prepared = PreparedRequests(spec, report.beat)
    prompts = {request.key: request for request in prepared.requests}
    stored = CompletionStore(Store(spec.store), spec.teacher_fingerprint).stream(prompts, 0)
    model: list[Any] = []

    def lines() -> Iterator[TokenLine]:
        for place, one in enumerate(_usable(stored)):
            report.progress(place, len(prompts), "completions")
            if not model:
                # no teacher is loaded for nothing
                model.append(_load(spec))
            numbers = _draws(model[0], prompts[one.key].token_ids, one, spec)
            yield TokenLine(place, one.key, None, prompts[one.key].rollout_index, numbers)

    num_lines, num_tokens = write_token_lines(lines(), Path(spec.out) / "draws.parquet")
    report.log(f"{spec.draws} tokens drawn at each of {num_tokens} positions of {num_lines} completions")
    return {"completions": num_lines, "tokens": num_tokens}


def _usable(completions: Iterator[Completion]) -> Iterator[Completion]:
    return (one for one in completions if one.token_ids)


def _load(spec: DrawSpec) -> Any:
    """Return the teacher on all GPUs that there are, or in 32 bits on the CPU, which is slower at fewer."""
    import torch
    from transformers import AutoModelForCausalLM

    is_local = Path(spec.model_path).is_dir()
    is_on_gpu = torch.cuda.is_available()
    dtype = spec.teacher.dtype if is_on_gpu else "float32"
    options: dict[str, Any] = {"trust_remote_code": False, "use_safetensors": True, "local_files_only": is_local}
    if is_on_gpu:
        options["device_map"] = "auto"
    if spec.teacher.revision and not is_local:
        options["revision"] = spec.teacher.revision
    with Loading(f"Teacher {spec.model_path} can't be loaded for its draws", "Set training.logits.draws to 0"):
        model: Any = AutoModelForCausalLM.from_pretrained(spec.model_path, dtype=dtype, **options)
    return model.eval()


def _draws(model: Any, prompt: tuple[int, ...], completion: Completion, spec: DrawSpec) -> TokenNumbers:
    """Return the draws at each of a completion's tokens; the same whatever else is drawn."""
    import torch

    answer = list(completion.token_ids)
    given = {"input_ids": torch.tensor([[*prompt, *answer]], device=model.device), "use_cache": False}
    # the last position is of what would follow the completion
    if "logits_to_keep" in inspect.signature(type(model).forward).parameters:
        given["logits_to_keep"] = len(answer) + 1
    with torch.no_grad():
        logits = model(**given).logits[0, -len(answer) - 1 : -1]
    if not bool(torch.isfinite(logits).any(dim=1).all()):
        raise ModelError(f"Teacher {spec.model_path} gives no numbers for a completion: try it with dtype: float32.")
    seed = int.from_bytes(hashlib.sha256(completion.key.encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    parts = [draw(part, spec.draws, spec.temperature, rng) for part in logits.split(_POSITIONS)]
    ids, logprobs = (np.concatenate(column) for column in zip(*parts, strict=True))
    sizes = np.full(len(answer), spec.draws, np.int32)
    return TokenNumbers(np.array(answer, np.int32), sizes, ids, logprobs)


def draw(logits: Any, count: int, temperature: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return `count` tokens a row, drawn independently from the softmax of logits [N, V] / temperature.

    Returns:
        ids (int32) and log-probabilities (float32, nats), row after row [N * count].
    """
    import torch

    logprobs = (logits.double().cpu() / temperature).log_softmax(dim=1)
    # the chance of a token is its stretch of a line of length 1
    ends = logprobs.exp().cumsum(dim=1)
    points = torch.from_numpy(rng.random((len(logprobs), count))) * ends[:, -1:]
    ids = torch.searchsorted(ends, points, right=True).clamp(max=ends.shape[1] - 1)
    chosen = logprobs.gather(1, ids)
    return ids.to(torch.int32).flatten().numpy(), chosen.to(torch.float32).flatten().numpy()


if __name__ == "__main__":
    serve(DrawSpec, run)
