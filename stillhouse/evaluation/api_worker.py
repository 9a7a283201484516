"""Measures a teacher behind an endpoint on the test rows: quality, latency as a caller sees it, throughput.

It needs no engine and runs in control's Python: `python -m stillhouse.evaluation.api_worker spec.json`. No row is asked
twice: the first ones one at a time, for latency, the others together, for throughput; all of them for quality.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.costs.generation_summary import RedactedPrompts
from stillhouse.errors import ServiceUnavailable
from stillhouse.evaluation.evidence import latency_quantiles, write_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EndpointSpec
from stillhouse.inference.api.client import Client
from stillhouse.inference.api.concurrent import ConcurrentRequester
from stillhouse.inference.api.errors import count_text
from stillhouse.inference.api.request import ChatRequest
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.api_worker import run_until_signal, summary_of
from stillhouse.teachers.requests import open_recorder, rows_of

# fewer answers say little about throughput
_LEAST_TOGETHER = 20
# more test rows without an answer than this are no measurement of the teacher
_MOST_FAILED = 0.05


def measure_teacher(spec: EndpointSpec, reporter: Reporter, connect: Callable[..., Client] = Client) -> dict[str, Any]:
    """Write answers.parquet and measurements.json with the one model `teacher`, and return what it took.

    Raises:
        ServiceUnavailable: more than a twentieth of the test rows got no answer; the others are stored.
    """
    rows = rows_of(spec)
    endpoint = spec.endpoint
    requests = ChatRequests(spec, rows, reporter.log)
    recorder = open_recorder(spec, [request.key for request in requests.all], reporter)
    numbers = run_until_signal(_request(spec, requests, recorder, reporter.log, connect))
    table = Path(spec.out) / "completions.parquet"
    recorder.completions.write(requests.slots, table)
    lines = {line["row_id"]: line for line in pq.read_table(table).to_pylist()}
    table.unlink()
    failed = [line["finish_reason"] for line in lines.values() if line["finish_reason"].startswith("error")]
    if len(failed) > _MOST_FAILED * len(rows):
        kinds = count_text({kind: failed.count(kind) for kind in failed})
        raise ServiceUnavailable(
            f"{len(failed)} of {len(rows)} test rows got no answer from {endpoint.provider} ({endpoint.address}): "
            f"{kinds}. The others are stored: run again to ask these."
        )
    notes = _notes(endpoint, numbers, len(failed), requests.redacted)
    _write(spec, rows, lines, numbers, notes)
    return summary_of(recorder, requests) | {"sent": numbers["sent"], "failed": len(failed)}


async def _request(
    spec: EndpointSpec,
    requests: ChatRequests,
    recorder: CompletionRecorder,
    log: Callable[[str], None],
    connect: Callable[..., Client],
) -> dict[str, Any]:
    """Have every row answered, and return what was timed."""
    alone, timed, together = _parts(spec, recorder.missing(requests.all))
    found: dict[str, Any] = {"sent": 0, "latencies_s": [], "together": 0, "seconds": 0.0, "tokens": 0}
    if not alone and not together:
        return found
    client = connect(requests.model(), log)
    requester = ConcurrentRequester(client, recorder)
    concurrency = min(spec.endpoint.concurrency, spec.evaluation.concurrency)
    try:
        await requester.request(alone, 1)
        tokens, started = recorder.completion_tokens, time.monotonic()
        await requester.request(together, concurrency)
        found |= {
            "seconds": time.monotonic() - started,
            "tokens": recorder.completion_tokens - tokens,
            "together": len(together),
            "concurrency": concurrency,
        }
        client.check_alive()
    finally:
        await client.close()
    answered = [requester.seconds[request.key] for request in timed]
    return {**found, "sent": client.num_sent, "latencies_s": [seconds for seconds in answered if seconds > 0.0]}


def _parts(
    spec: EndpointSpec, missing: list[ChatRequest]
) -> tuple[list[ChatRequest], list[ChatRequest], list[ChatRequest]]:
    """Return what is asked one at a time, which of it is timed, and what is asked together, in the seeded order."""
    order = np.random.default_rng(spec.evaluation.seed).permutation(len(missing))
    shuffled = [missing[number] for number in order]
    warm, timed = spec.evaluation.warm_requests, spec.evaluation.latency_requests
    # few rows: the warm requests are what is done without first
    warm = max(0, min(warm, len(shuffled) - timed))
    return shuffled[: warm + timed], shuffled[warm : warm + timed], shuffled[warm + timed :]


def _write(
    spec: EndpointSpec,
    rows: list[dict[str, Any]],
    lines: dict[str, dict[str, Any]],
    timed: dict[str, Any],
    notes: list[str],
) -> None:
    answers = []
    for row in rows:
        text = lines[row["id"]]["text"]
        parsed = spec.skill.parse(text, spec.labels)
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
        "latency_ms": latency_quantiles(timed["latencies_s"]),
        "engine": f"{spec.endpoint.provider} API",
        "notes": notes,
    }
    write_evidence(Path(spec.out), answers, {ModelRole.TEACHER: numbers})


def _is_enough(timed: dict[str, Any]) -> bool:
    return bool(timed["together"] >= _LEAST_TOGETHER)


def _notes(endpoint: Endpoint, timed: dict[str, Any], num_failed: int, redacted: RedactedPrompts | None) -> list[str]:
    notes = [
        f"asked over {endpoint.provider}'s API with the recipe's own sampling; its latency holds the network and "
        "whatever else the provider does then, its memory is not known"
    ]
    if _is_enough(timed):
        notes.append(f"throughput with {timed['concurrency']} requests in flight, the recipe's limits included")
    if num_failed:
        notes.append(f"{num_failed} test rows got no answer and count as wrong")
    if redacted and redacted.prompts:
        notes.append(f"it saw {redacted.prompts} test rows with marks in place of personal data")
    return notes


def _mean(values: list[int]) -> float | None:
    return statistics.fmean(values) if values else None


if __name__ == "__main__":
    serve(EndpointSpec, measure_teacher)
