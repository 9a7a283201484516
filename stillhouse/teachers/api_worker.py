"""Generates the completions that the store lacks over an API, one by one or in batches, and stores them as they come.

It needs no engine and no device. Command: `python -m stillhouse.teachers.api_worker spec.json`
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from stillhouse.artifacts.store import Store
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import WorkerError
from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.runner import BatchRunner
from stillhouse.inference.api.batch.tickets import Tickets
from stillhouse.inference.api.client import Client
from stillhouse.inference.api.concurrent import ConcurrentRequester
from stillhouse.inference.api.errors import count_text
from stillhouse.inference.api.request import ChatRequest
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.requests import open_recorder, rows_of
from stillhouse.teachers.spec import GenerateSpec

T = TypeVar("T")
Log = Callable[[str], None]


def generate(
    spec: GenerateSpec,
    reporter: Reporter,
    connect: Callable[..., Client] = Client,
    connect_batches: Callable[..., BatchClient] = BatchClient,
) -> dict[str, Any]:
    """Write `completions.parquet`, with a completion for every row of the spec, and return what it took.

    `connect` and `connect_batches` make the client; they are called for the first missing completion, so a full store
    needs neither key nor server.
    """
    requests = ChatRequests(spec, rows_of(spec), reporter.log, reporter.beat)
    recorder = open_recorder(spec, [request.key for request in requests.all], reporter, requests.answers)
    with recorder.asking(requests.all) as missing:
        if missing and spec.endpoint.execution == "batch":
            work = _request_in_batches(requests, missing, recorder, reporter.log, connect_batches)
        else:
            work = request_missing(requests, missing, recorder, reporter.log, connect)
        counts = run_until_signal(work)
    recorder.completions.write(requests.slots, Path(spec.out) / "completions.parquet", reporter.beat)
    return summary_of(recorder, requests) | counts


def summary_of(recorder: CompletionRecorder, requests: ChatRequests) -> dict[str, Any]:
    """Return the generation's numbers as a record keeps them, with the prompts redacted."""
    return recorder.summary().model_copy(update={"redacted": requests.redacted}).to_record()


def run_until_signal(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`; a SIGTERM cancels it, so that it can store what it has.

    Raises:
        WorkerError: it got a SIGTERM.
    """

    async def run() -> T:
        task = asyncio.create_task(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise WorkerError("the teacher's worker was ended by a signal; the completions that came are stored") from None


async def request_missing(
    requests: ChatRequests,
    missing: list[ChatRequest],
    recorder: CompletionRecorder,
    log: Log,
    connect: Callable[..., Client],
) -> dict[str, Any]:
    """Have those of `requests` that are `missing` answered one by one, and return what was sent and what failed."""
    if not missing:
        return {"sent": 0, "failed": {}}
    endpoint = requests.spec.endpoint
    log(f"requests go to {endpoint.provider} at {endpoint.address}, {endpoint.concurrency} at a time")
    if requests.redacted:
        log(f"personal data taken out of {requests.redacted.prompts} prompts before they are sent")
    client = connect(requests.model(), log)
    requester = ConcurrentRequester(client, recorder)
    try:
        await requester.request(missing, min(endpoint.concurrency, len(missing)))
        client.check_alive()
    finally:
        await client.close()
    if client.tries_lost:
        log(_lost_text(client.tries_lost, requester.failed))
    return {"sent": client.num_sent, "failed": dict(requester.failed)}


async def _request_in_batches(
    requests: ChatRequests,
    missing: list[ChatRequest],
    recorder: CompletionRecorder,
    log: Log,
    connect: Callable[..., BatchClient],
) -> dict[str, Any]:
    """Have those of `requests` that are `missing` answered in batches, and return what was sent and what failed."""
    endpoint = requests.spec.endpoint
    log(
        f"requests go to {endpoint.provider} at {endpoint.address} in batches, for {endpoint.price_factor:g} of the "
        f"price; they may take a day, and this run waits {endpoint.batch.deadline_h:g} h"
    )
    client = connect(requests.model(), log)
    runner = BatchRunner(client, Tickets(Store(requests.spec.store), recorder.teacher), recorder, log)
    try:
        await runner.request(missing)
    finally:
        await client.close()
    if runner.tries_lost:
        log(_lost_text(runner.tries_lost, runner.failed))
    failed = dict(runner.failed)
    return {"sent": runner.num_sent, "failed": failed, "batch": True, "price_factor": endpoint.price_factor}


def _lost_text(tries_lost: dict[str, int], failed: dict[str, int]) -> str:
    return f"lost tries: {count_text(tries_lost)}; prompts without a completion: {count_text(failed)}"


if __name__ == "__main__":
    serve(GenerateSpec, generate)
