"""What became of one request of a batch, in one form for all providers: OpenAI's lines of results."""

from typing import Any

from pydantic import BaseModel

# codes of requests that the batch's end left undone
UNDONE = ("batch_expired", "batch_cancelled")


class LineError(BaseModel):
    """Why a request has no response."""

    code: str | int | None = None
    message: str | None = None


class LineResponse(BaseModel):
    """The response to a request; with status 200 its body is a chat completion in OpenAI's form."""

    status_code: int
    body: Any = None


class Line(BaseModel):
    """The outcome of one request."""

    custom_id: str
    response: LineResponse | None = None
    error: LineError | None = None


def undone(key: str, code: str) -> Line:
    """Return the outcome of a request that the batch's end left undone; `code` is one of UNDONE."""
    return Line(custom_id=key, error=LineError(code=code, message="the batch ended before it"))
