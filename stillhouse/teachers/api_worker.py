"""Asks a teacher behind an endpoint what no stored answer covers yet, and stores answers as they come.

It needs no engine and no device, and runs in control's Python: `python -m stillhouse.teachers.api_worker spec.json`.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import WorkerError
from stillhouse.inference.api.batch.client import BatchService
from stillhouse.inference.api.client import Client
from stillhouse.inference.api.concurrent import ConcurrentRequester
from stillhouse.inference.api.credentials import read_key
from stillhouse.inference.api.errors import counts
from stillhouse.inference.api.request import ChatRequest, num_logprobs
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.teachers.api_batches import ask_in_batches
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.requests import rows_of
from stillhouse.teachers.spec import AskSpec, GenerateSpec

T = TypeVar("T")


def generate(
    spec: GenerateSpec,
    report: Reporter,
    connect: Callable[..., Client] = Client,
    connect_batches: Callable[..., BatchService] = BatchService,
) -> dict[str, Any]:
    """Answer every row of the spec, write `completions.parquet`, and return what it took.

    `connect` makes the client, for batches `connect_batches` does; either is called with the first question only, so a
    full store needs neither key nor server.
    """
    endpoint = endpoint_of(spec)
    questions = ChatRequests(spec, endpoint, rows_of(spec), report.log)
    books = open_books(spec, endpoint, questions, report)
    missing = [question for question in questions.all if question.key not in books.answers]
    if missing and endpoint.execution == "batch":
        asking = ask_in_batches(spec, endpoint, questions.form, missing, books, report, connect_batches)
    else:
        asking = ask_missing(spec, endpoint, questions, missing, books, report, connect)
    summary = run_to_its_end(asking)
    books.answers.write(iter(questions.places), Path(spec.out) / "completions.parquet")
    return {**books.summary().record(), **summary, **redacted_in(questions)}


def endpoint_of(spec: AskSpec) -> Endpoint:
    """Return the endpoint of a spec's teacher, which the caller knows to have one."""
    endpoint = spec.teacher.endpoint
    assert isinstance(endpoint, Endpoint)
    return endpoint


def open_books(spec: AskSpec, endpoint: Endpoint, questions: ChatRequests, report: Reporter) -> CompletionRecorder:
    """Return the books of all `questions`, with what the store has of them."""
    keys = [question.key for question in questions.all]
    return CompletionRecorder(
        keys,
        report,
        store=spec.store,
        teacher=spec.teacher_fingerprint,
        cap=spec.cap,
        scored=None,
        min_logprobs=num_logprobs(spec.teacher, endpoint),
    )


def redacted_in(questions: ChatRequests) -> dict[str, Any]:
    """Return the summary's {redacted: …}; nothing where prompts are sent as they are."""
    return {} if questions.redacted is None else {"redacted": questions.redacted}


def run_to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`; a SIGTERM cancels it, so that it can store what it has.

    Raises:
        WorkerError: it was told to end.
    """

    async def run() -> T:
        task = asyncio.create_task(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise WorkerError("the teacher's worker was told to end; answers that came are stored") from None


async def ask_missing(
    spec: AskSpec,
    endpoint: Endpoint,
    questions: ChatRequests,
    missing: list[ChatRequest],
    books: CompletionRecorder,
    report: Reporter,
    connect: Callable[..., Client],
) -> dict[str, Any]:
    """Have those of the `questions` that are `missing` answered singly, and return what was sent and what failed."""
    if not missing:
        return {"sent": 0, "failed": {}}
    report.log(f"asking {endpoint.provider} at {endpoint.address}, {endpoint.concurrency} at a time")
    if questions.redacted:
        report.log(f"personal data taken out of {questions.redacted['prompts']} prompts before they are sent")
    client = connect(spec.teacher, endpoint, questions.form, read_key(endpoint, os.environ), report.log)
    asking = ConcurrentRequester(client, endpoint, books, spec.teacher_fingerprint)
    try:
        await asking.ask(missing, min(endpoint.concurrency, len(missing)))
        client.check_alive()
    finally:
        await client.close()
    if client.tries_lost:
        report.log(f"lost tries: {counts(client.tries_lost)}; prompts without an answer: {counts(asking.failed)}")
    return {"sent": client.sent, "failed": dict(asking.failed)}


if __name__ == "__main__":
    serve(GenerateSpec, generate)
