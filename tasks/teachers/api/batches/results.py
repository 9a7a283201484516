"""Reads a line of a batch's results: an answer, or what became of the request instead.

Separate because lines are judged as the answers to single requests are, by the same reader and the same faults.
"""

import json
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import httpx2
import openai
from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.recipe.endpoint import Endpoint
from tasks.recipe.errors import ServiceError
from tasks.teachers.api.faults import Passing, Refused, fault_of
from tasks.teachers.api.reply import Reply, WrongBody, read_reply
from tasks.teachers.api.request import Form

# what the batch's end left undone
_UNDONE = ("batch_expired", "batch_cancelled")
# what may be the one prompt's fault, as being too long
_OF_THE_PROMPT = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)

Fault = Passing | Refused | ServiceError


class Rejected(Refused):
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
    form: Form

    def of(self, is_wrapped: bool) -> "Source":
        """Return the source of a batch whose answers stand in a JSON object, or don't."""
        return replace(self, form=Form(is_wrapped=is_wrapped))


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
    except WrongBody as error:
        return fault_of(error, source.endpoint, source.model, source.key)


def _without_response(error: _Error | None) -> Passing:
    code, message = (error.code, error.message) if error else (None, None)
    kind = "expired" if code in _UNDONE else "server"
    return Passing(kind, f"{code or 'no answer'}: {message or 'the line holds neither answer nor error'}")


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
