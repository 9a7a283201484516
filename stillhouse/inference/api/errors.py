"""What a failed request means: to be retried, lost for this prompt alone, or the end of the run.

Decided by the type and status of an error, never by its text.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import openai

from stillhouse.errors import ServiceError
from stillhouse.inference.api.credentials import without_key
from stillhouse.inference.api.request import ApiModel
from stillhouse.inference.api.response import MalformedResponse
from stillhouse.recipe.endpoint import Endpoint

# a provider's codes for a 429 that does not pass
_QUOTA_SPENT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
# a provider's codes for a prompt it will not answer
_FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
_RETRIED = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY)
_MAX_MESSAGE_CHARS = 300


class TransientError(Exception):
    """A failure that may pass: kind is rate_limit, server, connection, timeout, body or empty."""

    def __init__(self, kind: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s


class ContentFiltered(Exception):
    """A prompt that the endpoint will not answer; others it may."""

    kind = "content_filter"


RequestError = TransientError | ContentFiltered | ServiceError


def classify_error(error: openai.APIError | MalformedResponse | TimeoutError, model: ApiModel) -> RequestError:
    """Return what `error`, raised by a request, means for it."""
    endpoint = model.endpoint
    if isinstance(error, MalformedResponse):
        return TransientError(error.kind, f"{_who(endpoint)} sent {error}")
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return TransientError("timeout", f"{_who(endpoint)} gave no answer within {endpoint.timeout_s:g} s")
    if isinstance(error, openai.APIStatusError):
        return _classify_status(error, model)
    cause = type(error.__cause__ or error).__name__
    return TransientError("connection", f"{_who(endpoint)} can't be reached or broke off ({cause})")


def _classify_status(error: openai.APIStatusError, model: ApiModel) -> RequestError:
    status = error.status_code
    message = without_key(f"{_who(model.endpoint)} answered {status} ({_server_message(error)})", model.api_key)
    if status == HTTPStatus.TOO_MANY_REQUESTS and error.code not in _QUOTA_SPENT and error.type not in _QUOTA_SPENT:
        return TransientError("rate_limit", message, retry_after_s(error.response.headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED:
        return TransientError("server", message, retry_after_s(error.response.headers))
    if error.code in _FILTERED or error.type in _FILTERED:
        return ContentFiltered(message)
    return ServiceError(f"{message}. {_next_step(status, model)} Completions that came are stored.")


def _next_step(status: int, model: ApiModel) -> str:
    endpoint, name = model.endpoint, model.teacher.model
    if status == HTTPStatus.UNAUTHORIZED:
        return f"It does not take the key in {endpoint.key_variable}: set that variable to a valid key."
    if status == HTTPStatus.FORBIDDEN:
        return f"The key in {endpoint.key_variable} may not use model {name}: have it allowed, or take another model."
    if status == HTTPStatus.NOT_FOUND:
        return (
            f"It must know the model {name} at {endpoint.address}: check the recipe's model and the endpoint's "
            "base_url."
        )
    if status in (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.TOO_MANY_REQUESTS):
        return f"The account behind {endpoint.key_variable} has nothing left to spend: top it up, then run again."
    if status < HTTPStatus.BAD_REQUEST:
        return "Redirects are not followed, for they would carry the key along: set endpoint.base_url to the new place."
    return (
        "It refuses the request itself, so that each further one would be refused too: mend what it names in "
        "the recipe (sampling, output, prompt, endpoint.offers, endpoint.extra_body)."
    )


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that the endpoint asks to wait, at least 0; None if it does not say, or not readably."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return max(0.0, float(headers["retry-after"])) if "retry-after" in headers else None
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - (now or datetime.now(UTC))).total_seconds())


def count_text(counts: Mapping[str, int]) -> str:
    """Return counts by kind as one line of text."""
    return ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items())) or "none"


def _who(endpoint: Endpoint) -> str:
    return f"{endpoint.provider} ({endpoint.address})"


def _server_message(error: openai.APIStatusError) -> str:
    """Return the server's own message on one line."""
    message = error.body.get("message") if isinstance(error.body, dict) else error.body
    text = message if isinstance(message, str) else json.dumps(message or error.response.reason_phrase)
    line = " ".join(text.split())
    return line if len(line) <= _MAX_MESSAGE_CHARS else line[:_MAX_MESSAGE_CHARS] + " …"
