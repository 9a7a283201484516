"""Has an export answer the test rows in the engine that serves it, and times it there.

Command: `python -m stillhouse.exports.evaluate_worker spec.json` (engine environment)
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stillhouse.data.row import Row
from stillhouse.errors import ModelError, WorkerError
from stillhouse.evaluation.evidence import latency_numbers, write_evidence
from stillhouse.evaluation.memory import sampled_peak
from stillhouse.evaluation.request_order import request_order
from stillhouse.exports.answerer import Answerer, EncoderAnswerer, ExportAnswer, TextAnswerer
from stillhouse.exports.engine import EngineRuntime
from stillhouse.exports.manifest import Manifest, changed_files, read_manifest
from stillhouse.exports.prompt_check import prompt_problems
from stillhouse.exports.rendering import Renderer
from stillhouse.exports.runtime import load_classifier
from stillhouse.exports.spec import EvaluateExportSpec
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.cases import read_cases


def evaluate_export(spec: EvaluateExportSpec, report: Reporter) -> dict[str, Any]:
    """Write answers.parquet and measurements.json of one export; return the number of rows and what is wrong with it.

    An export that its engine refuses has no answers, and the refusal is what is wrong.
    """
    rows, folder = read_cases(spec.test, spec.skill), Path(spec.folder)
    manifest = read_manifest(folder)
    problems = changed_files(folder, manifest)
    lines: list[dict[str, Any]] = []
    numbers: dict[str, Any] = {"engine": manifest.described.engine, "weight_bytes": manifest.weight_bytes}
    try:
        with _opened(spec, manifest, rows, problems) as (answerer, pid):
            answers, measured = _measure(spec.evaluation, answerer, pid, rows, report)
            lines, numbers = _lines(spec, rows, answers), numbers | measured
    except (ModelError, WorkerError) as error:
        problems.append(str(error))
    write_evidence(Path(spec.out), lines, {spec.role: numbers})
    return {"rows": len(rows), "problems": problems}


@contextlib.contextmanager
def _opened(
    spec: EvaluateExportSpec, manifest: Manifest, rows: Sequence[Row], problems: list[str]
) -> Iterator[tuple[Answerer, int]]:
    """Open the export with the process that holds its engine, and add what is wrong with its prompts to `problems`."""
    folder = Path(spec.folder)
    if manifest.kind == "encoder":
        yield EncoderAnswerer(load_classifier(folder, spec.threads), spec.skill, spec.labels), os.getpid()
        return
    renderer, runtime = Renderer(folder), EngineRuntime(folder, spec.threads)
    try:
        prompts = [spec.skill.student_messages(row["messages"], spec.labels) for row in rows]
        problems += prompt_problems(Renderer(Path(spec.student)), renderer, prompts, runtime)
        yield TextAnswerer(runtime, renderer, spec.skill, spec.labels, spec.evaluation.max_tokens), runtime.pid
    finally:
        runtime.close()


def _measure(
    settings: Evaluation, answerer: Answerer, pid: int, rows: Sequence[Row], report: Reporter
) -> tuple[list[ExportAnswer], dict[str, Any]]:
    """Return the answer to each row, and the measurements."""
    for row in rows[: settings.warm_requests]:
        answerer.answer(row["messages"])
    answers = []
    with sampled_peak([pid], on_cpu=True) as memory:
        started = time.perf_counter()
        for number, row in enumerate(rows, start=1):
            answers.append(answerer.answer(row["messages"]))
            report.progress(number, len(rows), "rows")
        seconds = time.perf_counter() - started
    latencies = time_requests(answerer, rows, settings)
    written = [one.completion_tokens for one in answers]
    return answers, {
        "peak_memory_bytes": memory.peak_bytes,
        "requests_per_second": len(rows) / seconds,
        "tokens_per_second": sum(written) / seconds if any(written) else None,
        **latency_numbers(latencies),
    }


def time_requests(answerer: Answerer, rows: Sequence[Row], settings: Evaluation) -> list[float]:
    """Return the seconds of each timed request, one at a time: the rows and the order of all other models."""
    seconds = []
    for place in request_order(settings.seed, settings.warm_requests + settings.latency_requests, len(rows)):
        started = time.perf_counter()
        answerer.answer(rows[place]["messages"])
        seconds.append(time.perf_counter() - started)
    return seconds[settings.warm_requests :]


def _lines(spec: EvaluateExportSpec, rows: Sequence[Row], answers: Sequence[ExportAnswer]) -> list[dict[str, Any]]:
    return [
        {
            "model": spec.role,
            "row_id": row["id"],
            "answer": one.answer,
            "text": one.text,
            "logprob": one.logprob,
            "label_logprobs": one.label_logprobs,
        }
        for row, one in zip(rows, answers, strict=True)
    ]


if __name__ == "__main__":
    serve(EvaluateExportSpec, evaluate_export)
