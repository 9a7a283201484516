"""Measures every model of a comparison the same way, in the same engine with the same settings.

Separate because it runs in the engine environment: `python -m stillhouse.evaluation.worker spec.json`.
"""

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stillhouse.data.row import Row
from stillhouse.evaluation.candidate_prompts import CandidatePrompter
from stillhouse.evaluation.engine_process import EngineProcess
from stillhouse.evaluation.memory import sampled_peak
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.evaluation.tables import quantiles, write_tables
from stillhouse.evaluation.weights import count_parameters, weight_bytes
from stillhouse.inference.vllm.engine import load_tokenizer
from stillhouse.inference.vllm.request import Request
from stillhouse.inference.vllm.sizing import Job
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.cases import read_cases


@dataclass
class Measured:
    """What is known of one model so far."""

    candidate: Candidate
    asker: CandidatePrompter
    requests: list[Request]
    answers: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)


def evaluate_models(spec: EvaluateSpec, report: Reporter) -> dict[str, Any]:
    """Ask every candidate every test row, time them, and write `answers.parquet` and `measurements.json`."""
    rows = read_cases(spec.test, spec.skill)
    examples = read_cases(spec.examples, spec.skill) if spec.examples else []
    models = [_prepare(spec, candidate, rows, examples) for candidate in spec.candidates]
    sessions: list[tuple[EngineProcess, list[Measured]]] = []
    try:
        _measure(spec, models, rows, sessions, report)
    finally:
        for session, _ in sessions:
            session.close()
    return _write(spec, models, rows)


def _measure(
    spec: EvaluateSpec,
    models: list[Measured],
    rows: Sequence[Row],
    sessions: list[tuple[EngineProcess, list[Measured]]],
    report: Reporter,
) -> None:
    """Fill in every model's answers and numbers; the engines started stand in `sessions`."""
    progress = _Progress(report, models, spec)
    for group in _same_shape(models):
        session = _start(spec, group, report)
        sessions.append((session, group))
        for model in group:
            session.load(model.candidate)
            _throughput(spec, session, model, rows)
            progress.add(model.candidate.role, len(rows))
        if not session.on_cpu:
            # two engines rarely fit one device, so there each is timed alone, right after its throughput
            _latency(spec, [(session, group)], rows, progress)
            session.close()
    if sessions[0][0].on_cpu:
        _latency(spec, sessions, rows, progress)


def _prepare(spec: EvaluateSpec, candidate: Candidate, rows: Sequence[Row], examples: Sequence[Row]) -> Measured:
    asker = CandidatePrompter(spec, candidate, load_tokenizer(candidate.path, candidate.revision), examples)
    return Measured(candidate, asker, asker.requests(rows))


def _same_shape(models: list[Measured]) -> list[list[Measured]]:
    """Group models whose weights fit one engine: the same configuration and number type."""
    groups: dict[str, list[Measured]] = {}
    for model in models:
        config = Path(model.candidate.path) / "config.json"
        shape = json.loads(config.read_text()) if config.is_file() else {"hub": model.candidate.path}
        for name in ("_name_or_path", "transformers_version", "dtype", "torch_dtype"):
            shape.pop(name, None)
        key = json.dumps([shape, model.candidate.dtype, model.candidate.quantization], sort_keys=True)
        groups.setdefault(key, []).append(model)
    return list(groups.values())


def _start(spec: EvaluateSpec, group: list[Measured], report: Reporter) -> EngineProcess:
    names = ", ".join(model.candidate.role for model in group)
    report.log(f"starting the engine for {names}")
    longest = max(len(request.token_ids) for model in group for request in model.requests)
    job = Job(num_requests=spec.evaluation.concurrency, longest_prompt=longest, max_tokens=spec.evaluation.max_tokens)
    # distinct prompts in a real service share little: a warm cache would flatter the model with the longer prompt
    engine = spec.evaluation.engine.model_copy(
        update={"prefix_caching": False, "max_num_seqs": spec.evaluation.concurrency}
    )
    return EngineProcess(group[0].candidate, engine, job)


def _throughput(spec: EvaluateSpec, session: EngineProcess, model: Measured, rows: Sequence[Row]) -> None:
    """Ask all test rows at once; their answers are also what quality is judged on."""
    session.ask(model.requests[: spec.evaluation.warm_requests], model.asker.form, spec.evaluation.concurrency)
    with sampled_peak(session.pids, on_cpu=session.on_cpu) as memory:
        started = time.perf_counter()
        finished = session.ask(model.requests, model.asker.form, spec.evaluation.concurrency)
        seconds = time.perf_counter() - started
    tokens = sum(answer.completion_tokens for answer in finished)
    for answer in sorted(finished, key=lambda answer: int(answer.id)):
        row_id = rows[int(answer.id)]["id"]
        model.answers.append(
            {"model": model.candidate.role, "row_id": row_id, "answer": model.asker.answer(answer), "text": answer.text}
        )
    parameters = count_parameters(Path(model.candidate.path))
    loaded = weight_bytes(parameters, model.candidate.dtype)
    model.numbers = {
        "parameters": parameters or None,
        "weight_bytes": loaded or None,
        "peak_memory_bytes": memory.peak_bytes,
        "engine_floor_bytes": memory.peak_bytes - loaded - session.kv_cache_bytes if loaded else None,
        "kv_cache_bytes": session.kv_cache_bytes,
        "tokens_per_second": tokens / seconds,
        "requests_per_second": len(finished) / seconds,
        "prompt_tokens_mean": statistics.fmean(len(request.token_ids) for request in model.requests),
        "completion_tokens_mean": tokens / len(finished),
    }


def _latency(
    spec: EvaluateSpec, sessions: list[tuple[EngineProcess, list[Measured]]], rows: Sequence[Row], progress: "_Progress"
) -> None:
    """Time single requests, the models in turn, so that a slow moment of the machine falls on all of them.

    Models that share an engine's weights are timed in rounds: one of each engine a round.
    """
    settings = spec.evaluation
    chosen = [int(n) for n in np.random.default_rng(settings.seed).permutation(len(rows))]
    needed = settings.warm_requests + settings.latency_requests
    order = [chosen[number % len(chosen)] for number in range(needed)]
    for round_ in _rounds(sessions):
        for session, model in round_:
            session.load(model.candidate)
        for number, row_number in enumerate(order):
            for session, model in round_:
                seconds = _one_request(session, model, rows[row_number])
                if number >= settings.warm_requests:
                    model.latencies_s.append(seconds)
        progress.add("latency", len(round_) * needed)


def _rounds(sessions: list[tuple[EngineProcess, list[Measured]]]) -> list[list[tuple[EngineProcess, Measured]]]:
    timed = [(session, [model for model in group if model.candidate.is_timed]) for session, group in sessions]
    rounds: list[list[tuple[EngineProcess, Measured]]] = []
    while any(group for _, group in timed):
        # models with equal weights need no exchange and so share a round
        round_: list[tuple[EngineProcess, Measured]] = []
        for session, group in timed:
            if group:
                path = group[0].candidate.path
                round_ += [(session, model) for model in group if model.candidate.path == path]
                group[:] = [model for model in group if model.candidate.path != path]
        rounds.append(round_)
    return rounds


def _one_request(session: EngineProcess, model: Measured, row: Row) -> float:
    started = time.perf_counter()
    answers = session.ask(model.asker.requests([row]), model.asker.form, 1)
    model.asker.answer(answers[0])
    return time.perf_counter() - started


def _write(spec: EvaluateSpec, models: list[Measured], rows: Sequence[Row]) -> dict[str, Any]:
    answers = [answer for model in models for answer in model.answers]
    measured = {model.candidate.role: {**model.numbers, "latency_ms": quantiles(model.latencies_s)} for model in models}
    write_tables(Path(spec.out), answers, measured)
    return {"models": list(measured), "rows": len(rows)}


class _Progress:
    """Counts requests over all models and both passes."""

    def __init__(self, report: Reporter, models: list[Measured], spec: EvaluateSpec) -> None:
        settings = spec.evaluation
        timed = sum(model.candidate.is_timed for model in models)
        self._report = report
        self._done = 0
        self._total = sum(len(model.requests) for model in models)
        self._total += timed * (settings.warm_requests + settings.latency_requests)

    def add(self, what: str, number: int) -> None:
        """Count `number` more requests."""
        self._done += number
        self._report.progress(self._done, self._total, "requests", model=what)


if __name__ == "__main__":
    serve(EvaluateSpec, evaluate_models)
