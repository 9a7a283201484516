"""Tells an endpoint that is down from a prompt that fails by itself: the first is waited for, the second given up."""

import time

from stillhouse.inference.api.errors import TransientError

# so many requests that fail with no answer between them say that it is not due to the requests
_MIN_FAILING = 3
# they say nothing about whether the endpoint answers: it is full, or has just answered
_IS_UP = ("rate_limit", "empty")


class Outage:
    """Whether an endpoint is down, by what became of all requests to it."""

    def __init__(self) -> None:
        """Start with an endpoint that was asked nothing."""
        self._failing: set[str] = set()
        self._since = 0.0

    def note_answer(self) -> None:
        """Note that the endpoint answered a request."""
        self._failing.clear()
        self._since = 0.0

    def note_failure(self, key: str, error: TransientError) -> None:
        """Note that a try of the request with this key was lost."""
        if error.kind == "empty":
            self.note_answer()
        elif error.kind not in _IS_UP:
            self._failing.add(key)
            self._since = self._since or time.monotonic()

    def seconds(self, error: TransientError, *, has_answered: bool) -> float | None:
        """Return for how long the endpoint is down, as of the failure `error`; None if it is not, or not surely.

        One that can't be reached and never answered is probably named wrongly, which no waiting mends.
        """
        if not self._failing or error.kind in _IS_UP or (error.kind == "connection" and not has_answered):
            return None
        if not error.is_of_endpoint and len(self._failing) < _MIN_FAILING:
            return None
        return time.monotonic() - self._since
