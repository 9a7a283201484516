"""Evaluates every model of a comparison the same way, in the same engine with the same settings.

Command: `python -m stillhouse.evaluation.worker spec.json` (engine environment)
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
from stillhouse.evaluation.evidence import latency_quantiles, write_evidence
from stillhouse.evaluation.memory import count_parameters, sampled_peak, weight_bytes
from stillhouse.evaluation.spec import Candidate, EvaluateSpec
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.chat_template import fix_settings
from stillhouse.inference.vllm.request import Request
from stillhouse.inference.vllm.sizing import Job
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.cases import read_cases
from stillhouse.students.minimal_template import minimal_template
from stillhouse.students.served_template import serve_without_reasoning


@dataclass
class Evaluated:
    """One model with its answers and measurements so far."""

    candidate: Candidate
    prompter: CandidatePrompter
    requests: list[Request]
    answers: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)


Served = tuple[EngineProcess, list[Evaluated]]  # an engine with the models that share it


def evaluate_models(spec: EvaluateSpec, report: Reporter) -> dict[str, Any]:
    """Have every candidate answer the test rows, time it, and write `answers.parquet` and `measurements.json`."""
    rows = read_cases(spec.test, spec.skill)
    examples = read_cases(spec.examples, spec.skill) if spec.examples else []
    models = [_prepare(spec, candidate, rows, examples) for candidate in spec.candidates]
    engines: list[Served] = []
    try:
        _measure(spec, models, rows, engines, report)
    finally:
        for engine, _ in engines:
            engine.close()
    return _write(spec, models, rows)


def _measure(
    spec: EvaluateSpec,
    models: list[Evaluated],
    rows: Sequence[Row],
    engines: list[Served],
    report: Reporter,
) -> None:
    """Fill in every model's answers and numbers; add every engine that was started to `engines`."""
    progress = _Progress(report, models, spec)
    for group in _same_shape(models):
        engine = _start(spec, group, report)
        engines.append((engine, group))
        for model in group:
            engine.load(model.candidate)
            _throughput(spec, engine, model, rows)
            progress.add(model.candidate.role, len(rows))
        if not engine.on_cpu:
            # two engines rarely fit one device, so each is timed alone, right after its throughput
            _latency(spec, [(engine, group)], rows, progress)
            engine.close()
    if engines[0][0].on_cpu:
        _latency(spec, engines, rows, progress)


def _prepare(spec: EvaluateSpec, candidate: Candidate, rows: Sequence[Row], examples: Sequence[Row]) -> Evaluated:
    tokenizer = load_tokenizer(candidate.path, candidate.revision)
    if candidate.prompting == "zero_shot" and not getattr(tokenizer, "chat_template", True):
        # a base model as it is has no form of prompts; this is the one that its student gets
        tokenizer.chat_template = minimal_template(tokenizer, frozenset({tokenizer.eos_token_id} - {None}))
    if candidate.without_reasoning:
        serve_without_reasoning(tokenizer, candidate.template, is_trained=False)
    else:
        fix_settings(tokenizer, candidate.template)
    prompter = CandidatePrompter(spec, candidate, tokenizer, examples)
    return Evaluated(candidate, prompter, prompter.requests(rows))


def _same_shape(models: list[Evaluated]) -> list[list[Evaluated]]:
    """Group models whose weights fit one engine: the same configuration and number type."""
    groups: dict[str, list[Evaluated]] = {}
    for model in models:
        config = Path(model.candidate.path) / "config.json"
        shape = json.loads(config.read_text()) if config.is_file() else {"hub": model.candidate.path}
        for name in ("_name_or_path", "transformers_version", "dtype", "torch_dtype"):
            shape.pop(name, None)
        key = json.dumps([shape, model.candidate.dtype, model.candidate.quantization], sort_keys=True)
        groups.setdefault(key, []).append(model)
    return list(groups.values())


def _start(spec: EvaluateSpec, group: list[Evaluated], report: Reporter) -> EngineProcess:
    names = ", ".join(model.candidate.role for model in group)
    report.log(f"starting the engine for {names}")
    longest = max(len(request.token_ids) for model in group for request in model.requests)
    room = max(model.prompter.decoding.sampling.max_tokens for model in group)
    job = Job(num_requests=spec.evaluation.concurrency, longest_prompt=longest, max_tokens=room)
    # distinct prompts in a real service share little: a warm cache would flatter the model with the longer prompt
    engine = spec.evaluation.engine.model_copy(
        update={"prefix_caching": False, "max_num_seqs": spec.evaluation.concurrency}
    )
    return EngineProcess(group[0].candidate, engine, job)


def _throughput(spec: EvaluateSpec, engine: EngineProcess, model: Evaluated, rows: Sequence[Row]) -> None:
    """Send all test rows at once; these answers are also the ones that quality is measured on."""
    concurrency, decoding = spec.evaluation.concurrency, model.prompter.decoding
    engine.complete(model.requests[: spec.evaluation.warm_requests], decoding, concurrency)
    with sampled_peak(engine.pids, on_cpu=engine.on_cpu) as memory:
        started = time.perf_counter()
        replies = engine.complete(model.requests, decoding, concurrency)
        seconds = time.perf_counter() - started
    tokens = sum(reply.completion_tokens for reply in replies)
    for reply in sorted(replies, key=lambda reply: int(reply.id)):
        row_id, answer = rows[int(reply.id)]["id"], model.prompter.answer(reply)
        text = model.prompter.answer_text(reply)
        model.answers.append({"model": model.candidate.role, "row_id": row_id, "answer": answer, "text": text})
    parameters = count_parameters(Path(model.candidate.path))
    loaded = weight_bytes(parameters, model.candidate.dtype)
    model.numbers = {
        "parameters": parameters or None,
        "weight_bytes": loaded or None,
        "peak_memory_bytes": memory.peak_bytes,
        "engine_floor_bytes": memory.peak_bytes - loaded - engine.kv_cache_bytes if loaded else None,
        "kv_cache_bytes": engine.kv_cache_bytes,
        "tokens_per_second": tokens / seconds,
        "requests_per_second": len(replies) / seconds,
        "prompt_tokens_mean": statistics.fmean(len(request.token_ids) for request in model.requests),
        "completion_tokens_mean": tokens / len(replies),
    }


def _latency(spec: EvaluateSpec, engines: Sequence[Served], rows: Sequence[Row], progress: "_Progress") -> None:
    """Time single requests, the models in turn, so that a slow moment of the machine affects all of them.

    Models that share an engine are timed in rounds, each with one model per engine.
    """
    settings = spec.evaluation
    shuffled = [int(n) for n in np.random.default_rng(settings.seed).permutation(len(rows))]
    needed = settings.warm_requests + settings.latency_requests
    order = [shuffled[number % len(shuffled)] for number in range(needed)]
    for round_ in _rounds(engines):
        for engine, model in round_:
            engine.load(model.candidate)
        for number, row_number in enumerate(order):
            for engine, model in round_:
                seconds = _one_request(engine, model, rows[row_number])
                if number >= settings.warm_requests:
                    model.latencies_s.append(seconds)
        progress.add("latency", len(round_) * needed)


def _rounds(engines: Sequence[Served]) -> list[list[tuple[EngineProcess, Evaluated]]]:
    timed = [(engine, [model for model in group if model.candidate.is_timed]) for engine, group in engines]
    rounds: list[list[tuple[EngineProcess, Evaluated]]] = []
    while any(group for _, group in timed):
        # models with equal weights need no exchange and so share a round
        round_: list[tuple[EngineProcess, Evaluated]] = []
        for engine, group in timed:
            if group:
                path = group[0].candidate.path
                round_ += [(engine, model) for model in group if model.candidate.path == path]
                group[:] = [model for model in group if model.candidate.path != path]
        rounds.append(round_)
    return rounds


def _one_request(engine: EngineProcess, model: Evaluated, row: Row) -> float:
    started = time.perf_counter()
    replies = engine.complete(model.prompter.requests([row]), model.prompter.decoding, 1)
    model.prompter.answer(replies[0])
    return time.perf_counter() - started


def _write(spec: EvaluateSpec, models: list[Evaluated], rows: Sequence[Row]) -> dict[str, Any]:
    answers = [answer for model in models for answer in model.answers]
    measurements = {
        model.candidate.role: {**model.numbers, "latency_ms": latency_quantiles(model.latencies_s)} for model in models
    }
    write_evidence(Path(spec.out), answers, measurements)
    return {"models": list(measurements), "rows": len(rows)}


class _Progress:
    """Counts requests over all models and both passes."""

    def __init__(self, report: Reporter, models: list[Evaluated], spec: EvaluateSpec) -> None:
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
