"""Has one model answer all test rows at once: its answers, its throughput and its memory."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillhouse.data.row import Row
from stillhouse.evaluation.engine_process import EngineProcess
from stillhouse.evaluation.evaluated import Evaluated, line_of
from stillhouse.evaluation.evidence import VALIDATION, write_answers, write_evidence
from stillhouse.evaluation.memory import count_parameters, sampled_peak, weight_bytes
from stillhouse.evaluation.spec import EvaluateSpec


def answer_rows(
    spec: EvaluateSpec,
    engine: EngineProcess,
    model: Evaluated,
    rows: Sequence[Row],
    validation: Sequence[Row],
    out: Path,
) -> None:
    """Write the model's answers to `rows` and its measurements into `out`; if it is asked, those to `validation` too.

    Both are of one pass over `rows`: what quality is measured on is what was timed.
    """
    concurrency, decoding = spec.evaluation.concurrency, model.prompter.decoding
    salt = f"answers of {model.candidate.role}"
    engine.complete(model.requests[: spec.evaluation.warm_requests], decoding, concurrency, cache_salt=f"warm {salt}")
    with sampled_peak(engine.pids, on_cpu=engine.on_cpu) as memory:
        started = time.perf_counter()
        replies = engine.complete(model.requests, decoding, concurrency, cache_salt=salt)
        seconds = time.perf_counter() - started
    tokens = sum(reply.completion_tokens for reply in replies)
    numbers = {
        **_memory(engine, model, memory.peak_bytes),
        "tokens_per_second": tokens / seconds,
        "requests_per_second": len(replies) / seconds,
        "prompt_tokens_mean": statistics.fmean(len(request.token_ids) for request in model.requests),
        "completion_tokens_mean": tokens / len(replies),
    }
    out.mkdir(parents=True)
    write_evidence(out, _lines(model, replies, rows), {model.candidate.role: numbers})
    if model.validation:
        replies = engine.complete(model.validation, decoding, concurrency, cache_salt=salt)
        write_answers(out / VALIDATION, _lines(model, replies, validation))


def _lines(model: Evaluated, replies: Sequence[Any], rows: Sequence[Row]) -> list[dict[str, Any]]:
    in_order = sorted(replies, key=lambda reply: int(reply.id))
    return [line_of(model, reply, rows[int(reply.id)]["id"]) for reply in in_order]


def _memory(engine: EngineProcess, model: Evaluated, peak_bytes: int) -> dict[str, Any]:
    parameters = count_parameters(Path(model.candidate.path))
    loaded = weight_bytes(parameters, model.candidate.dtype)
    return {
        "parameters": parameters or None,
        "weight_bytes": loaded or None,
        "peak_memory_bytes": peak_bytes,
        "engine_floor_bytes": peak_bytes - loaded - engine.kv_cache_bytes if loaded else None,
        "kv_cache_bytes": engine.kv_cache_bytes,
    }
