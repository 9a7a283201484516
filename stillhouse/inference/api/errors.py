"""What a failed request means: worth another try, lost for this prompt alone, or the end of the run.

Separate because it goes by the type and status of an error and never by its text, and is judged without a server.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import openai

from stillhouse.errors import ServiceError
from stillhouse.inference.api.credentials import without_key
from stillhouse.inference.api.response import MalformedResponse
from stillhouse.recipe.endpoint import Endpoint

# a provider's word for a 429 that no waiting mends
_SPENT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
# a provider's words for a prompt it will not answer
_FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
_WORTH_ANOTHER_TRY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY)
_MOST_SAID = 300


class TransientError(Exception):
    """What may go otherwise the next time: kind is rate_limit, server, connection, timeout, body or empty."""

    def __init__(self, kind: str, said: str, retry_after_s: float | None = None) -> None:
        super().__init__(said)
        self.kind = kind
        self.retry_after_s = retry_after_s


class ContentFiltered(Exception):
    """A prompt that the endpoint will not answer, whatever becomes of the others."""

    kind = "content_filter"


def fault_of(
    error: openai.APIError | MalformedResponse | TimeoutError, endpoint: Endpoint, model: str, key: str
) -> TransientError | ContentFiltered | ServiceError:
    """Return what `error`, raised by a request, means for it."""
    if isinstance(error, MalformedResponse):
        return TransientError(error.kind, f"{_who(endpoint)} sent {error}")
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return TransientError("timeout", f"{_who(endpoint)} gave no answer within {endpoint.timeout_s:g} s")
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, endpoint, model, key)
    cause = type(error.__cause__ or error).__name__
    return TransientError("connection", f"{_who(endpoint)} can't be reached or broke off ({cause})")


def _of_status(
    error: openai.APIStatusError, endpoint: Endpoint, model: str, key: str
) -> TransientError | ContentFiltered | ServiceError:
    status = error.status_code
    said = without_key(f"{_who(endpoint)} answered {status} ({_said(error)})", key)
    if status == HTTPStatus.TOO_MANY_REQUESTS and error.code not in _SPENT and error.type not in _SPENT:
        return TransientError("rate_limit", said, retry_after_s(error.response.headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _WORTH_ANOTHER_TRY:
        return TransientError("server", said, retry_after_s(error.response.headers))
    if error.code in _FILTERED or error.type in _FILTERED:
        return ContentFiltered(said)
    return ServiceError(f"{said}. {_next_step(status, endpoint, model)} Answers that came are stored.")


def _next_step(status: int, endpoint: Endpoint, model: str) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f"It does not take the key in {endpoint.key_variable}: set that variable to a valid key."
    if status == HTTPStatus.FORBIDDEN:
        return f"The key in {endpoint.key_variable} may not use model {model}: have it allowed, or take another model."
    if status == HTTPStatus.NOT_FOUND:
        return (
            f"It must know the model {model} at {endpoint.address}: check the recipe's model and the endpoint's "
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
    """Return the seconds that the endpoint asks to wait, at least 0; None where it says nothing readable."""
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


def counts(found: Mapping[str, int]) -> str:
    """Return numbers by kind as words."""
    return ", ".join(f"{kind} {number}" for kind, number in sorted(found.items())) or "none"


def _who(endpoint: Endpoint) -> str:
    return f"{endpoint.provider} ({endpoint.address})"


def _said(error: openai.APIStatusError) -> str:
    """Return the server's own words on one line."""
    found = error.body.get("message") if isinstance(error.body, dict) else error.body
    text = found if isinstance(found, str) else json.dumps(found or error.response.reason_phrase)
    line = " ".join(text.split())
    return line if len(line) <= _MOST_SAID else line[:_MOST_SAID] + " …"
