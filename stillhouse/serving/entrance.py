"""What every request passes: the key, whether the server stops or has too much to do, and the clock."""

import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from stillhouse.serving.errors import ApiError, is_busy, is_stopping
from stillhouse.serving.metrics import Metrics

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# what supervisors ask, who have no key
OPEN = ("/health", "/ready")
_ROUTES = (*OPEN, "/metrics", "/predict", "/v1/chat/completions", "/v1/models")


@dataclass
class State:
    """What a server is doing."""

    is_stopping: bool = False
    is_alive: bool = True  # the engine
    in_flight: int = 0  # requests for answers


class Entrance:
    """An ASGI application around the server's own."""

    def __init__(self, app: App, state: State, metrics: Metrics, *, key: str, most_waiting: int) -> None:
        """Take the key that requests must carry, empty for none, and how many may be under way."""
        self._app = app
        self._state = state
        self._metrics = metrics
        self._key = key.encode()
        self._most_waiting = most_waiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, route = time.perf_counter(), _route_of(scope)
        status = 500

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._pass(scope, receive, watched)
        finally:
            if route not in OPEN:
                self._metrics.observe(route, status, time.perf_counter() - started)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if refusal := self._refusal(scope):
            response = JSONResponse(refusal.body, refusal.status, headers={**refusal.headers, "Connection": "close"})
            await response(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self._state.in_flight += 1
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, send)
        finally:
            self._state.in_flight -= 1
            self._metrics.in_flight.dec()

    def _refusal(self, scope: Scope) -> ApiError | None:
        if scope["path"] in OPEN:
            return None
        if self._key and not self._has_key(scope):
            return ApiError(
                401,
                "The request has no key, or a wrong one: send the server's key as `Authorization: Bearer KEY`.",
                code="invalid_api_key",
            )
        if scope["method"] == "POST" and self._state.is_stopping:
            return is_stopping()
        if scope["method"] == "POST" and self._state.in_flight >= self._most_waiting:
            return is_busy(self._state.in_flight)
        return None

    def _has_key(self, scope: Scope) -> bool:
        kind, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        # in the same time for any key, so that it can't be guessed letter by letter
        return kind.lower() == "bearer" and hmac.compare_digest(key.strip().encode(), self._key)


def _route_of(scope: Scope) -> str:
    path = str(scope["path"])
    if path.startswith("/v1/models/"):
        return "/v1/models"
    return path if path in _ROUTES else "(other)"
