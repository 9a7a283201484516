"""A chat-completions server whose every answer, and every way to fail, is written down by the test.

It speaks HTTP over a real socket in a thread of its own: a Unix socket where the network is blocked, else a free port
of the loopback. What it was sent stands in `requests`: the endpoint's own log.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Received:
    """One request as it came in."""

    number: int  # from 0
    body: dict[str, Any]
    headers: dict[str, str]
    path: str
    at: float

    @property
    def prompt(self) -> str:
        """The last message."""
        return str(self.body["messages"][-1]["content"])


@dataclass
class Act:
    """What the server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0  # before the first byte
    cut: int | None = None  # bytes of the body after which the connection is closed
    drop: bool = False  # close without a byte
    drip_s: float = 0.0  # a blank line so often before the body, for `delay_s`
    event_s: float = 0.0  # between the body's events, which a blank line parts


def answer(text: str | None, finish_reason: str | None = "stop", **choice: Any) -> Act:
    """A chat completion."""
    message = {"role": "assistant", "content": text, **choice.pop("message", {})}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, **choice}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
    }
    return Act(body=json.dumps(body).encode())


def failure(status: int, message: str = "no", headers: dict[str, str] | None = None, **error: Any) -> Act:
    """An error as OpenAI's endpoints report it."""
    return Act(status, json.dumps({"error": {"message": message, **error}}).encode(), headers or {})


Plan = Callable[[Received], Act]


class FaultyServer:
    """The server; `plan` says what to do with each request."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.requests: list[Received] = []
        self.most_at_once = 0
        self.address = ""
        self.at_once = 0

    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        received = Received(len(self.requests), json.loads(raw or b"{}"), headers, head[0].split()[1], time.monotonic())
        self.requests.append(received)
        act = self.plan(received)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._do(act, writer)
        finally:
            self.at_once -= 1

    async def _do(self, act: Act, writer: asyncio.StreamWriter) -> bool:
        padding = int(act.delay_s / act.drip_s) if act.drip_s else 0
        if act.delay_s and not act.drip_s:
            await asyncio.sleep(act.delay_s)
        if act.drop:
            return False
        headers = {"content-type": "application/json", **act.headers, "content-length": str(len(act.body) + padding)}
        lines = [f"HTTP/1.1 {act.status} Status", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        for _ in range(padding):
            writer.write(b"\n")
            await writer.drain()
            await asyncio.sleep(act.drip_s)
        for event in act.body.split(b"\n\n")[:-1] if act.event_s else ():
            writer.write(event + b"\n\n")
            await writer.drain()
            await asyncio.sleep(act.event_s)
        writer.write(b"" if act.event_s else act.body[: act.cut])
        await writer.drain()
        return act.cut is None


Serve = Callable[[Plan], FaultyServer]


@contextlib.contextmanager
def serving(plan: Plan, socket: Path | None = None) -> Iterator[FaultyServer]:
    """Serve `plan` on a Unix socket at `socket`, or without one on a free port of the loopback."""
    server = FaultyServer(plan)

    async def run(ready: threading.Event, over: asyncio.Event) -> None:
        if socket:
            listening: Any = await asyncio.start_unix_server(server._serve, str(socket))
            server.address = "http://127.0.0.1:9/v1"
        else:
            listening = await asyncio.start_server(server._serve, "127.0.0.1", 0)
            server.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await over.wait()
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    with in_a_thread(run):
        yield server


@contextlib.contextmanager
def in_a_thread(run: Callable[[threading.Event, asyncio.Event], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """Run a server in a loop of its own: it sets the first event when it listens, and ends at the second."""
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(ready, over),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


@contextlib.contextmanager
def serving_on_demand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Give a function that serves a plan on a Unix socket in `folder`, the working folder: its path must be short."""
    monkeypatch.chdir(folder)
    with contextlib.ExitStack() as running:
        yield lambda plan: running.enter_context(serving(plan, Path("socket")))
