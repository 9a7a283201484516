"""A generation's missing questions through a batch API, from the spec to the numbers.

Separate because it puts the parts together, and none of them needs to know all others.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

from stillhouse.artifacts.store import Store
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.inference.api.batch.client import BatchService
from stillhouse.inference.api.batch.collect import Collector, Source
from stillhouse.inference.api.batch.runner import BatchAsking
from stillhouse.inference.api.batch.submit import Submitter
from stillhouse.inference.api.batch.tickets import Tickets
from stillhouse.inference.api.credentials import read_key
from stillhouse.inference.api.errors import counts
from stillhouse.inference.api.request import ChatRequest, ResponseForm, num_logprobs
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.runtime.worker import Reporter
from stillhouse.teachers.spec import AskSpec


async def ask_in_batches(
    spec: AskSpec,
    endpoint: Endpoint,
    form: ResponseForm,
    missing: Sequence[ChatRequest],
    books: CompletionRecorder,
    report: Reporter,
    connect: Callable[..., BatchService],
) -> dict[str, Any]:
    """Have each of `missing` answered through batches, and return what it took; `connect` makes the service."""
    limits = endpoint.batch
    report.log(
        f"asking {endpoint.provider} at {endpoint.address} in batches, for {endpoint.price_factor:g} of the price; "
        f"they may take a day, and this run waits {limits.deadline_h:g} h"
    )
    teacher, key = spec.teacher, read_key(endpoint, os.environ)
    service = connect(endpoint, teacher.model, key, report.log)
    tickets = Tickets(Store(spec.store), spec.teacher_fingerprint)
    submitter = Submitter(service, tickets, teacher, endpoint, form, report.log)
    collector = Collector(service, books, Source(endpoint, teacher.model, key, form), report.log, again_s=limits.poll_s)
    asking = BatchAsking(service, tickets, submitter, collector, books, limits, report.log)
    try:
        await asking.ask(missing, num_logprobs(teacher, endpoint))
    finally:
        await service.close()
    if asking.tries_lost:
        report.log(f"lost tries: {counts(asking.tries_lost)}; prompts without an answer: {counts(asking.failed)}")
    return {
        "sent": submitter.sent,
        "failed": dict(asking.failed),
        "batch": True,
        "price_factor": endpoint.price_factor,
    }
