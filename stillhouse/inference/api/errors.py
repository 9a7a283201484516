"""What a failed request means: to be retried, lost for this prompt alone, or the end of the run.

Decided by the status and the codes of an error, wherever the server puts them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx2
import openai

from stillhouse.errors import ServiceError
from stillhouse.inference.api.credentials import without_secrets
from stillhouse.inference.api.request import ApiModel
from stillhouse.inference.api.response import MalformedResponse, TokenCounts
from stillhouse.inference.api.server_error import FILTERED, SPENT, TOO_LONG, ServerError, read_error
from stillhouse.recipe.endpoint import Endpoint

# finish reasons of prompts that would be refused again
REFUSALS = ("error:content_filter", "error:too_long", "error:request")
# what to do if every prompt is refused so
_NEXT_STEPS = {
    "content_filter": "its filter objects to what all prompts share, as the instruction: change it or the model",
    "too_long": "lower data.max_prompt_chars, show fewer examples, or lower sampling.max_tokens",
    "request": "mend what it names in the recipe (sampling, output, prompt, endpoint.offers, endpoint.extra_body; of "
    "log-probabilities training.logits.k)",
}
_RETRIED = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY)
# the endpoint takes no request; 529 is Anthropic's word for it
_UNAVAILABLE = (HTTPStatus.SERVICE_UNAVAILABLE, 529)
# they may be due to one prompt, such as one that is too long
_DUE_TO_PROMPT = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)


class TransientError(Exception):
    """A failure that may pass: kind is rate_limit, server, connection, timeout, body or empty."""

    def __init__(
        self,
        kind: str,
        message: str,
        retry_after_s: float | None = None,
        counts: TokenCounts | None = None,
        *,
        is_of_endpoint: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.is_of_endpoint = is_of_endpoint or kind == "connection"  # no prompt can be the reason
        self.counts = counts or TokenCounts()  # what the answer that can't be used has cost


class Refused(Exception):
    """A prompt that the endpoint will not answer; others it may. kind is content_filter, too_long or request."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def advice(self) -> str:
        """What to do about single prompts that are refused so, to follow the message; empty if nothing is."""
        return "" if self.kind == "content_filter" else "; if it is too long, lower data.max_prompt_chars"

    @property
    def of_all(self) -> ServiceError:
        """The error of a run whose prompts are all refused so."""
        return ServiceError(f"{self}. It refuses every prompt, and has answered none: {_NEXT_STEPS[self.kind]}.")


RequestError = TransientError | Refused | ServiceError


def classify_error(
    error: openai.APIError | httpx2.TransportError | MalformedResponse | TimeoutError,
    model: ApiModel,
    headers: Mapping[str, str] | None = None,
) -> RequestError:
    """Return what `error`, raised by a request, means for it; `headers` are those of a response with status 200."""
    endpoint = model.endpoint
    if isinstance(error, MalformedResponse):
        return _classify_malformed(error, model, headers or {})
    if isinstance(error, TimeoutError | openai.APITimeoutError | httpx2.TimeoutException):
        return TransientError("timeout", f"{_who(endpoint)} gave no answer within {endpoint.timeout_s:g} s")
    if isinstance(error, openai.APIStatusError):
        reason = error.response.reason_phrase
        said = read_error({"error": error.body or reason}, error.status_code)
        said = said or ServerError(error.status_code, frozenset(), reason)
        return _classify(said, str(error.status_code), error.response.headers, model)
    cause = type(error.__cause__ or error).__name__
    return TransientError("connection", f"{_who(endpoint)} can't be reached or broke off ({cause})")


def _classify_malformed(error: MalformedResponse, model: ApiModel, headers: Mapping[str, str]) -> RequestError:
    if error.said is None:
        return TransientError(error.kind, f"{_who(model.endpoint)} sent {error}", counts=error.counts)
    status = error.said.status
    found = _classify(error.said, f"200 with {f'the error {status}' if status else 'an error'}", headers, model)
    if isinstance(found, TransientError):
        found.counts = error.counts
    return found


def _classify(said: ServerError, found: str, headers: Mapping[str, str], model: ApiModel) -> RequestError:
    status = said.status
    message = without_secrets(f"{_who(model.endpoint)} answered {found} ({said.message})", model.secrets)
    if said.codes & FILTERED:
        return Refused("content_filter", message)
    if status == HTTPStatus.TOO_MANY_REQUESTS and not said.codes & SPENT:
        return TransientError("rate_limit", message, retry_after_s(headers))
    # an error without any code may pass
    if not status or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED:
        is_of_endpoint = status in _UNAVAILABLE
        return TransientError("server", message, retry_after_s(headers), is_of_endpoint=is_of_endpoint)
    if said.codes & TOO_LONG:
        return Refused("too_long", message)
    # no code says whether the prompt is wrong or the settings are: other requests tell
    if status in _DUE_TO_PROMPT:
        return Refused("request", message)
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
    return "It refuses the request itself: see that endpoint.base_url is its address of chat completions."


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
