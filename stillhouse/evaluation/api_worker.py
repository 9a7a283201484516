"""Evaluates an API teacher on the test rows: quality, latency as a caller sees it, throughput.

No row is sent twice: the first ones go one at a time, for latency, and the others together, for throughput. All of them
count for quality.
Command: `python -m stillhouse.evaluation.api_worker spec.json` (control environment)
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.costs.generation_summary import RedactedPrompts
from stillhouse.data.row import Row
from stillhouse.errors import ServiceUnavailable
from stillhouse.evaluation.evidence import latency_numbers, write_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EvaluateApiSpec
from stillhouse.inference.api.client import Client
from stillhouse.inference.api.concurrent import ConcurrentRequester
from stillhouse.inference.api.errors import REFUSALS, count_text
from stillhouse.inference.api.request import ChatRequest
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.api_worker import run_until_signal, summary_of
from stillhouse.teachers.requests import open_recorder, rows_of

# fewer concurrent requests say little about throughput
_MIN_CONCURRENT = 20
# above this share of test rows without an answer, the teacher is not evaluated
_MAX_FAILED = 0.05


@dataclass
class Timings:
    """What the requests of this run took."""

    num_sent: int = 0
    latencies_s: list[float] = field(default_factory=list)
    num_concurrent: int = 0  # requests sent together; the fields below are theirs
    concurrency: int = 0
    seconds: float = 0.0
    tokens: int = 0

    @property
    def has_throughput(self) -> bool:
        """Whether enough requests were sent together to tell a throughput."""
        return self.num_concurrent >= _MIN_CONCURRENT


def evaluate_teacher(
    spec: EvaluateApiSpec, reporter: Reporter, connect: Callable[..., Client] = Client
) -> dict[str, Any]:
    """Write answers.parquet and measurements.json of the teacher, and return the numbers of its requests.

    Raises:
        ServiceUnavailable: more than a twentieth of the test rows got no answer; the others are stored. Rows that the
            endpoint refuses count as wrong.
    """
    rows = list(rows_of(spec))
    endpoint = spec.endpoint
    requests = ChatRequests(spec, rows, reporter.log, reporter.beat)
    recorder = open_recorder(spec, [request.key for request in requests.all], reporter, requests.answers)
    with recorder.asking(requests.all) as missing:
        timings = run_until_signal(_request(spec, requests, missing, recorder, log=reporter.log, connect=connect))
    table = Path(spec.out) / "completions.parquet"
    recorder.completions.write(requests.slots, table)
    lines = {line["row_id"]: line for line in pq.read_table(table).to_pylist()}
    table.unlink()
    failed = [line["finish_reason"] for line in lines.values() if line["finish_reason"].startswith("error")]
    lost = [reason for reason in failed if reason not in REFUSALS]
    if len(lost) > _MAX_FAILED * len(rows):
        kinds = count_text({kind: lost.count(kind) for kind in lost})
        raise ServiceUnavailable(
            f"{len(lost)} of {len(rows)} test rows got no answer from {endpoint.provider} ({endpoint.address}): "
            f"{kinds}. The others are stored: run again to request these."
        )
    notes = _notes(endpoint, timings, len(failed), requests.redacted)
    _write(spec, rows, lines, timings, notes)
    return summary_of(recorder, requests) | {"sent": timings.num_sent, "failed": len(failed)}


async def _request(
    spec: EvaluateApiSpec,
    requests: ChatRequests,
    missing: list[ChatRequest],
    recorder: CompletionRecorder,
    *,
    log: Callable[[str], None],
    connect: Callable[..., Client],
) -> Timings:
    """Have every missing row answered, and return the timings."""
    single, timed, concurrent = _schedule(spec, missing)
    if not single and not concurrent:
        return Timings()
    client = connect(requests.model(), log)
    requester = ConcurrentRequester(client, recorder)
    concurrency = min(spec.endpoint.concurrency, spec.evaluation.concurrency)
    try:
        await requester.request(single, 1)
        tokens, started = recorder.completion_tokens, time.monotonic()
        await requester.request(concurrent, concurrency)
        seconds = time.monotonic() - started
        client.check_alive()
    finally:
        await client.close()
    latencies_s = [requester.seconds[request.key] for request in timed]
    return Timings(
        num_sent=client.num_sent,
        latencies_s=[latency for latency in latencies_s if latency > 0.0],
        num_concurrent=len(concurrent),
        concurrency=concurrency,
        seconds=seconds,
        tokens=recorder.completion_tokens - tokens,
    )


def _schedule(
    spec: EvaluateApiSpec, missing: list[ChatRequest]
) -> tuple[list[ChatRequest], list[ChatRequest], list[ChatRequest]]:
    """Return the requests to send one at a time, those of them to time, and those to send together, in seeded order."""
    order = np.random.default_rng(spec.evaluation.seed).permutation(len(missing))
    shuffled = [missing[number] for number in order]
    warm, timed = spec.evaluation.warm_requests, spec.evaluation.latency_requests
    # with few rows, there are fewer warm requests first
    warm = max(0, min(warm, len(shuffled) - timed))
    return shuffled[: warm + timed], shuffled[warm : warm + timed], shuffled[warm + timed :]


def _write(
    spec: EvaluateApiSpec,
    rows: list[Row],
    lines: dict[str, dict[str, Any]],
    timings: Timings,
    notes: list[str],
) -> None:
    answers = []
    for row in rows:
        text = lines[row["id"]]["text"]
        parsed = spec.skill.parse(text, spec.labels)
        answers.append({"model": ModelRole.TEACHER, "row_id": row["id"], "answer": parsed, "text": text})
    answered = [line for line in lines.values() if line["prompt_tokens"]]
    numbers = {
        "parameters": None,
        "weight_bytes": None,
        "peak_memory_bytes": None,
        "engine_floor_bytes": None,
        "kv_cache_bytes": None,
        "tokens_per_second": timings.tokens / timings.seconds if timings.has_throughput else None,
        "requests_per_second": timings.num_concurrent / timings.seconds if timings.has_throughput else None,
        "prompt_tokens_mean": _mean([line["prompt_tokens"] for line in answered]),
        "completion_tokens_mean": _mean([line["completion_tokens"] for line in answered]),
        **latency_numbers(timings.latencies_s),
        "engine": f"{spec.endpoint.provider} API",
        "notes": notes,
    }
    write_evidence(Path(spec.out), answers, {ModelRole.TEACHER: numbers})


def _notes(endpoint: Endpoint, timings: Timings, num_failed: int, redacted: RedactedPrompts | None) -> list[str]:
    notes = [
        f"evaluated over {endpoint.provider}'s API with the recipe's own sampling; its latency includes the network "
        "and the provider's load, its memory is not known"
    ]
    if timings.has_throughput:
        notes.append(f"throughput with {timings.concurrency} requests in flight, within the recipe's limits")
    if num_failed:
        notes.append(f"{num_failed} test rows got no answer and count as wrong")
    if redacted and redacted.prompts:
        notes.append(f"it saw {redacted.prompts} test rows with marks in place of personal data")
    return notes


def _mean(values: list[int]) -> float | None:
    return statistics.fmean(values) if values else None


if __name__ == "__main__":
    serve(EvaluateApiSpec, evaluate_teacher)
