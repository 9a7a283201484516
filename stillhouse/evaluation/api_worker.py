"""Measures a teacher behind an endpoint on the test rows: quality, latency as a caller sees it, throughput.

It needs no engine and runs in control's Python: `python -m stillhouse.evaluation.api_worker spec.json`. No row is asked
twice: the first ones one at a time, for latency, the others together, for throughput; all of them for quality.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import ServiceUnavailable
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EndpointSpec
from stillhouse.evaluation.tables import quantiles, write_tables
from stillhouse.inference.api.client import Client
from stillhouse.inference.api.concurrent import ConcurrentRequester
from stillhouse.inference.api.credentials import read_key
from stillhouse.inference.api.errors import counts
from stillhouse.inference.api.request import ChatRequest
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.skills.registry import skill_for
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.api_worker import endpoint_of, open_books, redacted_in, run_to_its_end
from stillhouse.teachers.requests import rows_of

# fewer answers say little about throughput
_LEAST_TOGETHER = 20
# more test rows without an answer than this are no measurement of the teacher
_MOST_FAILED = 0.05


def measure_teacher(spec: EndpointSpec, report: Reporter, connect: Callable[..., Client] = Client) -> dict[str, Any]:
    """Write answers.parquet and measurements.json with the one model `teacher`, and return what it took.

    Raises:
        ServiceUnavailable: more than a twentieth of the test rows got no answer; the others are stored.
    """
    rows = rows_of(spec)
    endpoint = endpoint_of(spec)
    questions = ChatRequests(spec, endpoint, rows, report.log)
    books = open_books(spec, endpoint, questions, report)
    numbers = run_to_its_end(_ask(spec, endpoint, questions, books, report, connect))
    table = Path(spec.out) / "completions.parquet"
    books.answers.write(iter(questions.places), table)
    lines = {line["row_id"]: line for line in pq.read_table(table).to_pylist()}
    table.unlink()
    failed = [line["finish_reason"] for line in lines.values() if line["finish_reason"].startswith("error")]
    if len(failed) > _MOST_FAILED * len(rows):
        raise ServiceUnavailable(
            f"{len(failed)} of {len(rows)} test rows got no answer from {endpoint.provider} ({endpoint.address}): "
            f"{counts({kind: failed.count(kind) for kind in failed})}. The others are stored: run again to ask these."
        )
    notes = _notes(endpoint, numbers, len(failed), questions.redacted)
    _write(spec, endpoint, rows, lines, numbers, notes)
    return {**books.summary().record(), "sent": numbers["sent"], "failed": len(failed), **redacted_in(questions)}


async def _ask(
    spec: EndpointSpec,
    endpoint: Endpoint,
    questions: ChatRequests,
    books: CompletionRecorder,
    report: Reporter,
    connect: Callable[..., Client],
) -> dict[str, Any]:
    """Have every row answered, and return what was timed."""
    alone, timed, together = _parts(spec, questions, books)
    found: dict[str, Any] = {"sent": 0, "latencies_s": [], "together": 0, "seconds": 0.0, "tokens": 0}
    if not alone and not together:
        return found
    client = connect(spec.teacher, endpoint, questions.form, read_key(endpoint, os.environ), report.log)
    asking = ConcurrentRequester(client, endpoint, books, spec.teacher_fingerprint)
    concurrency = min(endpoint.concurrency, spec.evaluation.concurrency)
    try:
        await asking.ask(alone, 1)
        tokens, started = books.completion_tokens, time.monotonic()
        await asking.ask(together, concurrency)
        found |= {
            "seconds": time.monotonic() - started,
            "tokens": books.completion_tokens - tokens,
            "together": len(together),
            "concurrency": concurrency,
        }
        client.check_alive()
    finally:
        await client.close()
    answered = [asking.seconds[question.key] for question in timed]
    return {**found, "sent": client.sent, "latencies_s": [seconds for seconds in answered if seconds > 0.0]}


def _parts(
    spec: EndpointSpec, questions: ChatRequests, books: CompletionRecorder
) -> tuple[list[ChatRequest], list[ChatRequest], list[ChatRequest]]:
    """Return what is asked one at a time, which of it is timed, and what is asked together, in the seeded order."""
    missing = [question for question in questions.all if question.key not in books.answers]
    order = np.random.default_rng(spec.evaluation.seed).permutation(len(missing))
    shuffled = [missing[number] for number in order]
    warm, timed = spec.evaluation.warm_requests, spec.evaluation.latency_requests
    # few rows: the warm requests are what is done without first
    warm = max(0, min(warm, len(shuffled) - timed))
    return shuffled[: warm + timed], shuffled[warm : warm + timed], shuffled[warm + timed :]


def _write(
    spec: EndpointSpec,
    endpoint: Endpoint,
    rows: list[dict[str, Any]],
    lines: dict[str, dict[str, Any]],
    timed: dict[str, Any],
    notes: list[str],
) -> None:
    module = skill_for(spec.skill.kind)
    answers = []
    for row in rows:
        text = lines[row["id"]]["text"]
        parsed = module.parse(text, spec.labels, spec.skill)
        answers.append({"model": ModelRole.TEACHER, "row_id": row["id"], "answer": parsed, "text": text})
    answered = [line for line in lines.values() if line["prompt_tokens"]]
    enough = _is_enough(timed)
    numbers = {
        "parameters": None,
        "weight_bytes": None,
        "peak_memory_bytes": None,
        "engine_floor_bytes": None,
        "kv_cache_bytes": None,
        "tokens_per_second": timed["tokens"] / timed["seconds"] if enough else None,
        "requests_per_second": timed["together"] / timed["seconds"] if enough else None,
        "prompt_tokens_mean": _mean([line["prompt_tokens"] for line in answered]),
        "completion_tokens_mean": _mean([line["completion_tokens"] for line in answered]),
        "latency_ms": quantiles(timed["latencies_s"]),
        "engine": f"{endpoint.provider} API",
        "notes": notes,
    }
    write_tables(Path(spec.out), answers, {ModelRole.TEACHER: numbers})


def _is_enough(timed: dict[str, Any]) -> bool:
    return bool(timed["together"] >= _LEAST_TOGETHER)


def _notes(endpoint: Endpoint, timed: dict[str, Any], num_failed: int, redacted: dict[str, Any] | None) -> list[str]:
    notes = [
        f"asked over {endpoint.provider}'s API with the recipe's own sampling; its latency holds the network and "
        "whatever else the provider does then, its memory is not known"
    ]
    if _is_enough(timed):
        notes.append(f"throughput with {timed['concurrency']} requests in flight, the recipe's limits included")
    if num_failed:
        notes.append(f"{num_failed} test rows got no answer and count as wrong")
    if redacted and redacted["prompts"]:
        notes.append(f"it saw {redacted['prompts']} test rows with marks in place of personal data")
    return notes


def _mean(values: list[int]) -> float | None:
    return statistics.fmean(values) if values else None


if __name__ == "__main__":
    serve(EndpointSpec, measure_teacher)
