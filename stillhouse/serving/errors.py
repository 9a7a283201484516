"""What a request is refused with, in the form of OpenAI's errors, so that every client of theirs can read it."""

from typing import Any


class ApiError(Exception):
    """A request that gets no answer: status, a sentence that says what to do, and what OpenAI's clients sort by."""

    def __init__(
        self, status: int, message: str, *, code: str, param: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to the status."""
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return headers if self.retry_after_s is None else headers | {"Retry-After": str(self.retry_after_s)}


_TYPES = {401: "authentication_error", 429: "rate_limit_error", 503: "overloaded_error"}


def bad_request(message: str, *, code: str = "invalid_value", param: str | None = None) -> ApiError:
    """Return the refusal of a request that its sender must change."""
    return ApiError(400, message, code=code, param=param)


def too_long(what: str, *, param: str) -> ApiError:
    """Return the refusal of a prompt that is longer than the model was measured on, or than it reads."""
    return bad_request(f"The prompt is too long: {what}. Shorten it.", code="context_length_exceeded", param=param)


def is_stopping() -> ApiError:
    """Return the refusal of a request that comes while the server ends."""
    return ApiError(503, "The server is stopping: send this to another one.", code="stopping", retry_after_s=1)


def is_busy(waiting: int) -> ApiError:
    """Return the refusal of a request that would wait behind too many others."""
    return ApiError(
        503, f"{waiting} requests are waiting already: try again a little later.", code="overloaded", retry_after_s=1
    )


def engine_failed(message: str) -> ApiError:
    """Return the refusal of a request that the engine could not answer."""
    return ApiError(503, message, code="engine_failed", retry_after_s=5)
