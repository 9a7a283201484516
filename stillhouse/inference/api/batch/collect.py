"""Brings the results of a batch into the store of completions, and says what became of its other requests.

Results are paid for: they are stored in pieces as they are read, a broken download is begun again, and
completions of another recipe's prompts are stored too.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path

import httpx2
import openai
from pydantic import ValidationError

from stillhouse.completions.completion import Reply
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import ServiceError, ServiceUnavailable
from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.batch.line import UNDONE, Line, LineError, LineResponse
from stillhouse.inference.api.batch.providers.protocol import BatchApi
from stillhouse.inference.api.batch.state import BatchState
from stillhouse.inference.api.batch.tickets import Ticket, Tickets
from stillhouse.inference.api.client import Outcome
from stillhouse.inference.api.concurrent import as_completion, as_discarded
from stillhouse.inference.api.errors import Refused, RequestError, TransientError, classify_error
from stillhouse.inference.api.request import ApiModel, ResponseForm
from stillhouse.inference.api.response import MalformedResponse, TokenCounts, read_reply

_Read = Callable[[bytes], tuple[str, Reply | RequestError] | None]
_SEGMENT_COMPLETIONS = 4096
# times that results are fetched if they lack lines of a completed batch
_MAX_DOWNLOADS = 3


@dataclass
class Collected:
    """What became of the requests of a batch."""

    num_answered: int = 0
    lost: dict[str, TransientError] = field(default_factory=dict)  # by key
    refused: dict[str, Refused] = field(default_factory=dict)
    error: ServiceError | None = None  # what all requests to this endpoint fail on
    seen: set[str] = field(default_factory=set)
    num_others: int = 0  # results of requests that are not the ticket's

    @property
    def is_anothers(self) -> bool:
        """Whether these are the results of a batch that is not the ticket's."""
        return self.num_others > 0 and not self.seen

    def note(self, key: str, result: Reply | RequestError) -> None:
        """Note what became of the request with this key."""
        self.seen.add(key)
        if isinstance(result, Reply):
            self.num_answered += 1
        elif isinstance(result, TransientError):
            self.lost[key] = result
        elif isinstance(result, Refused):
            self.refused[key] = result
        else:
            self.error = result


async def collect(
    ticket: Ticket,
    state: BatchState,
    client: BatchClient,
    *,
    tickets: Tickets,
    recorder: CompletionRecorder,
    log: Callable[[str], None],
) -> Collected:
    """Store all completions of a batch that has ended, and return what became of its requests.

    A batch that was guessed to be the ticket's may be another's: of such a one nothing is stored.

    Raises:
        ServiceError: its results are gone.
        ServiceUnavailable: another run has collected it.
        StoreError: its completions can't be stored.
    """
    collected, keys = Collected(), set(ticket.keys)
    # read as the run that submitted it wanted them
    model = replace(client.model, form=ResponseForm(is_wrapped=ticket.is_wrapped))

    def read(text: bytes) -> tuple[str, Reply | RequestError] | None:
        return read_line(text, client.api, model)

    async def store(path: Path) -> None:
        await _store_results(path, read, keys, recorder, collected)

    for number in range(_MAX_DOWNLOADS):
        for result in state.results:
            if not await _fetch(result, client, store):
                raise await _results_are_gone(ticket, result, tickets)
        missing = keys - collected.seen
        if not missing or collected.is_anothers or state.status != "completed":
            break
        if number + 1 < _MAX_DOWNLOADS:
            log(f"the results of batch {ticket.batch} lack {len(missing)} lines, and are fetched again")
            await asyncio.sleep(model.endpoint.batch.poll_s)
    kind = "body" if state.status == "completed" else "expired"
    collected.lost |= {key: TransientError(kind, f"batch {state.status} without a line for it") for key in missing}
    return collected


async def commit(
    recorder: CompletionRecorder, outcomes: dict[str, Outcome], discarded: dict[str, TokenCounts] | None = None
) -> None:
    """Store outcomes by key, and what the replies cost that are `discarded`."""
    completions = [as_completion(key, outcome, recorder.teacher) for key, outcome in outcomes.items()]
    completions += [as_discarded(key, counts, recorder.teacher) for key, counts in (discarded or {}).items()]
    # in a thread: while a store is slow, a signal is still heard
    await asyncio.to_thread(recorder.commit_any, completions)


async def _fetch(result: str, client: BatchClient, store: Callable[[Path], Awaitable[None]]) -> bool:
    """Download the results with this name and hand them to `store`; False if the provider no longer has them."""
    with tempfile.TemporaryDirectory(prefix="stillhouse-batch-") as folder:
        path = Path(folder) / "results.jsonl"
        if not await client.download(result, path):
            return False
        await store(path)
    return True


async def _results_are_gone(ticket: Ticket, result: str, tickets: Tickets) -> ServiceError:
    """Return the error of a batch whose results the provider no longer has."""
    if not await tickets.is_open(ticket):
        return ServiceUnavailable(
            f"Batch {ticket.batch} was collected by another run in the meantime: run again, and its answers are found "
            "in the store."
        )
    return ServiceError(
        f"The results of batch {ticket.batch} ({result}) are no longer there; providers keep them for some weeks. "
        f"Delete {ticket.path} in the store, and its prompts are sent and paid for again."
    )


async def _store_results(
    path: Path, read: _Read, keys: set[str], recorder: CompletionRecorder, collected: Collected
) -> None:
    """Store the completions of a file of results, and note in `collected` what became of each request."""
    replies: dict[str, Outcome] = {}
    discarded: dict[str, TokenCounts] = {}
    with path.open("rb") as lines:
        for text in lines:
            line = read(text) if text.strip() else None
            if not line or line[0] in collected.seen:
                continue
            key, result = line
            if key not in keys:
                collected.num_others += 1
                continue
            collected.note(key, result)
            if isinstance(result, Reply):
                replies[key] = Outcome(result)
            elif isinstance(result, TransientError) and any(result.counts):
                discarded[key] = result.counts
            if len(replies) >= _SEGMENT_COMPLETIONS:
                await commit(recorder, replies, discarded)
                replies, discarded = {}, {}
    await commit(recorder, replies, discarded)


def read_line(text: bytes, api: BatchApi, model: ApiModel) -> tuple[str, Reply | RequestError] | None:
    """Return the key of a line's request and what became of it; None for an unreadable line."""
    try:
        line = api.read_line(text)
    except ValidationError:
        return None
    return line.custom_id, _result(line, model)


def _result(line: Line, model: ApiModel) -> Reply | RequestError:
    response = line.response
    if response is None:
        return _without_response(line.error)
    if response.status_code != HTTPStatus.OK:
        return _of_status(response, model)
    try:
        return read_reply(json.dumps(response.body).encode(), model.form)
    except MalformedResponse as error:
        return classify_error(error, model)


def _without_response(error: LineError | None) -> TransientError:
    code, message = (error.code, error.message) if error else (None, None)
    kind = "expired" if code in UNDONE else "server"
    return TransientError(kind, f"{code or 'no answer'}: {message or 'the line holds neither answer nor error'}")


def _of_status(response: LineResponse, model: ApiModel) -> RequestError:
    body = response.body.get("error", response.body) if isinstance(response.body, dict) else response.body
    request = httpx2.Request("POST", model.endpoint.address)
    raised = openai.APIStatusError(
        "a line of a batch", response=httpx2.Response(response.status_code, request=request), body=body
    )
    return classify_error(raised, model)
