"""Brings the results of a batch into the store of completions, and says what became of the rest.

Separate because results are paid for: they are stored in pieces as they are read, a download that breaks off is begun
again, and answers to prompts of another recipe are kept too.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import openai
from pydantic import BaseModel, ConfigDict, ValidationError

from stillhouse.completions.completion import Completion
from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.errors import ServiceError
from stillhouse.inference.api.batch.client import BatchService, State
from stillhouse.inference.api.batch.tickets import Ticket
from stillhouse.inference.api.client import Answered
from stillhouse.inference.api.concurrent import as_completion
from stillhouse.inference.api.errors import ContentFiltered, TransientError, fault_of
from stillhouse.inference.api.request import ResponseForm
from stillhouse.inference.api.response import MalformedResponse, Reply, read_reply
from stillhouse.recipe.endpoint import Endpoint

# what the batch's end left undone
_UNDONE = ("batch_expired", "batch_cancelled")


# what may be the one prompt's fault, as being too long
_OF_THE_PROMPT = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)


Fault = TransientError | ContentFiltered | ServiceError


class Rejected(ContentFiltered):
    """A request that the endpoint finds wrong; whether its prompt or its settings are, the batch's others tell."""

    kind = "request"


class _Received(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Error(_Received):
    code: str | int | None = None
    message: str | None = None


class _Response(_Received):
    status_code: int
    body: Any = None


class _Line(_Received):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


@dataclass(frozen=True)
class Source:
    """Whose results these are, and how they are to be read."""

    endpoint: Endpoint
    model: str
    key: str = field(repr=False)
    form: ResponseForm

    def of(self, is_wrapped: bool) -> "Source":
        """Return the source of a batch whose answers stand in a JSON object, or don't."""
        return replace(self, form=ResponseForm(is_wrapped=is_wrapped))


def read_line(text: bytes, source: Source) -> tuple[str, Reply | Fault] | None:
    """Return the key of a line's request and what became of it; None for a line that nothing can be made of."""
    try:
        line = _Line.model_validate_json(text)
    except ValidationError:
        return None
    return line.custom_id, _outcome(line, source)


def _outcome(line: _Line, source: Source) -> Reply | Fault:
    response = line.response
    if response is None:
        return _without_response(line.error)
    if response.status_code != HTTPStatus.OK:
        return _of_status(response, source)
    try:
        return read_reply(json.dumps(response.body).encode(), source.form)
    except MalformedResponse as error:
        return fault_of(error, source.endpoint, source.model, source.key)


def _without_response(error: _Error | None) -> TransientError:
    code, message = (error.code, error.message) if error else (None, None)
    kind = "expired" if code in _UNDONE else "server"
    return TransientError(kind, f"{code or 'no answer'}: {message or 'the line holds neither answer nor error'}")


def _of_status(response: _Response, source: Source) -> Fault:
    said = response.body.get("error", response.body) if isinstance(response.body, dict) else response.body
    request = httpx2.Request("POST", source.endpoint.address)
    raised = openai.APIStatusError(
        "a line of a batch", response=httpx2.Response(response.status_code, request=request), body=said
    )
    fault = fault_of(raised, source.endpoint, source.model, source.key)
    if isinstance(fault, ServiceError) and response.status_code in _OF_THE_PROMPT:
        return Rejected(str(fault))
    return fault


_SEGMENT_ANSWERS = 4096
# times results are fetched that lack lines of a batch that is said to be complete
_DOWNLOADS = 3


@dataclass
class Collected:
    """What became of the requests of a batch."""

    num_answered: int = 0
    lost: dict[str, TransientError] = field(default_factory=dict)  # by key
    refused: dict[str, ContentFiltered] = field(default_factory=dict)
    error: ServiceError | None = None  # what no request to this endpoint gets past
    seen: set[str] = field(default_factory=set)


class Collector:
    """Collects the batches of one generation."""

    def __init__(
        self,
        service: BatchService,
        books: CompletionRecorder,
        source: Source,
        log: Callable[[str], None],
        *,
        again_s: float,
    ) -> None:
        """Remember where results come from and go to; `again_s` is waited before incomplete ones are fetched again."""
        self._service = service
        self._books = books
        self._source = source
        self._log = log
        self._again_s = again_s

    async def collect(self, ticket: Ticket, state: State) -> Collected:
        """Store all answers of a batch that has ended, and return what became of its requests.

        Raises:
            ServiceError: its results are gone.
            StoreError: its answers can't be stored.
        """
        collected, keys = Collected(), set(ticket.keys)
        source = self._source.of(ticket.is_wrapped)
        for number in range(_DOWNLOADS):
            for file in filter(None, (state.output_file_id, state.error_file_id)):
                await self._take(file, ticket, keys, source, collected)
            missing = keys - collected.seen
            if not missing or state.status != "completed":
                break
            if number + 1 < _DOWNLOADS:
                self._log(f"the results of batch {ticket.batch} lack {len(missing)} lines, and are fetched again")
                await asyncio.sleep(self._again_s)
        kind = "body" if state.status == "completed" else "expired"
        collected.lost |= {key: TransientError(kind, f"batch {state.status} without a line for it") for key in missing}
        return collected

    async def keep_failed(self, failed: Mapping[str, str]) -> None:
        """Store the prompts, by key, that get no answer, with what they were lost to."""
        await self._commit(
            [self._completion(key, Answered(None, f"error:{kind}", 0.0)) for key, kind in failed.items()]
        )

    async def _take(self, file: str, ticket: Ticket, keys: set[str], source: Source, collected: Collected) -> None:
        segment: list[Completion] = []
        with tempfile.TemporaryDirectory(prefix="stillhouse-batch-") as folder:
            path = Path(folder) / "results.jsonl"
            if not await self._service.download(file, path):
                raise ServiceError(
                    f"The results of batch {ticket.batch} ({file}) are no longer there; providers keep them for some "
                    f"weeks. Delete {ticket.place} in the store, and its prompts are asked and paid for again."
                )
            with path.open("rb") as lines:
                for line in lines:
                    found = read_line(line, source) if line.strip() else None
                    if not found or found[0] not in keys or found[0] in collected.seen:
                        continue
                    segment += self._sorted(*found, collected)
                    if len(segment) >= _SEGMENT_ANSWERS:
                        await self._commit(segment)
                        segment = []
        await self._commit(segment)

    def _sorted(self, key: str, outcome: Reply | Exception, collected: Collected) -> list[Completion]:
        """Note what became of a request, and return its answer, if it has one."""
        collected.seen.add(key)
        if isinstance(outcome, Reply):
            collected.num_answered += 1
            return [self._completion(key, Answered(outcome, outcome.finish_reason, 0.0))]
        if isinstance(outcome, TransientError):
            collected.lost[key] = outcome
        elif isinstance(outcome, ContentFiltered):
            collected.refused[key] = outcome
        else:
            assert isinstance(outcome, ServiceError)
            collected.error = outcome
        return []

    def _completion(self, key: str, answered: Answered) -> Completion:
        return as_completion(key, answered, self._books.teacher)

    async def _commit(self, segment: list[Completion]) -> None:
        # in a thread: while a store is slow, a signal is still heard
        await asyncio.to_thread(self._books.commit_of_all, segment)
