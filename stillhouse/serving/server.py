"""Runs a server until it is told to stop, and lets the requests under way finish."""

import socket
import sys
import time
from types import FrameType
from typing import Any

import uvicorn

from stillhouse.errors import ServiceError
from stillhouse.serving.engine import Engine
from stillhouse.serving.entrance import State

# ticks of uvicorn's loop, ten a second, between two looks at the engine
_TICKS = 50


class GracefulServer(uvicorn.Server):
    """A server that refuses new requests once it is told to stop, and ends when the others are answered.

    uvicorn by itself closes its port at once: a client that a load balancer still sends here would get no word.
    """

    def __init__(self, config: uvicorn.Config, state: State, engine: Engine, *, grace_s: float, greeting: str) -> None:
        """Take what says whether there is something to wait for, and what is said once it listens."""
        super().__init__(config)
        self._greeting = greeting
        self._state = state
        self._engine = engine
        self._grace_s = grace_s
        self._stop_by = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            say(self._greeting)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal ends it at once."""
        if self._state.is_stopping:
            self.should_exit = self.force_exit = True
        self._state.is_stopping = True
        self._stop_by = time.monotonic() + self._grace_s

    async def on_tick(self, counter: int) -> bool:
        """Return whether the loop ends."""
        if counter % _TICKS == _TICKS - 1 and not self._state.is_stopping:
            self._state.is_alive = await self._engine.is_alive()
        is_done = self._state.in_flight == 0 or time.monotonic() > self._stop_by
        if (self._state.is_stopping and is_done) or not self._state.is_alive:
            self.should_exit = True
        return await super().on_tick(counter)


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket at the address, on which nobody listens yet.

    Raises:
        ServiceError: the port is in use, or the address is none of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except OSError as error:
        raise ServiceError(
            f"--host {host} --port {port}: {error.strerror or error}. Choose another port, or end what listens there."
        ) from error
    return found


def make_server(app: Any, state: State, engine: Engine, *, grace_s: float, greeting: str) -> GracefulServer:
    """Return the server of an application."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(grace_s) + 1,
    )
    return GracefulServer(config, state, engine, grace_s=grace_s, greeting=greeting)


def say(text: str) -> None:
    """Write a line for whoever started the server."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
