"""An HTTP proxy before an S3 server that fails a share of the requests, by a seed, in every way a network knows.

with FaultyProxy(server.port, share=0.05, seed=7) as proxy:
    ...  # speak to proxy.address
proxy.faults     # how often it did what
proxy.requests   # every request: method, path, bytes of the answer
"""

import contextlib
import http.client
import http.server
import random
import socket
import struct
import threading
from collections import Counter
from typing import NamedTuple

from tests.support.loopback import LoopbackServer
from tests.support.s3.conditions import Conditions

# answer 500 or 503; reset before the server sees the request, after it answered, amid its answer; silence
KINDS = ("500", "503", "reset", "lost answer", "cut answer", "stall")
_CODES = {"500": "InternalError", "503": "SlowDown"}


class Seen(NamedTuple):
    """One request that reached the server."""

    method: str
    path: str
    answered: int  # bytes of the answer's body


class FaultyProxy(LoopbackServer):
    """The proxy as a context; `script` names the faults of the next requests, before chance decides again."""

    def __init__(
        self,
        target_port: int,
        share: float = 0.0,
        seed: int = 0,
        stall_s: float = 3.0,
        *,
        conditions: Conditions | None = None,
    ):
        self.target_port = target_port
        self.conditions = conditions  # None: those of the server itself
        self.share = share
        self.stall_s = stall_s
        self.script: list[str | None] = []
        self.faults: Counter[str] = Counter()
        self.requests: list[Seen] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        super().__init__(_Handler)

    def downloads(self, name: str) -> list[Seen]:
        """Return the GETs of objects whose path ends in `name`."""
        return [seen for seen in self.requests if seen.method == "GET" and seen.path.split("?")[0].endswith(name)]

    def draw(self) -> str | None:
        """Return what happens to the next request; None for nothing."""
        with self._lock:
            by_chance = self._random.choice(KINDS) if self._random.random() < self.share else None
            fault = self.script.pop(0) if self.script else by_chance
            if fault:
                self.faults[fault] += 1
            return fault

    def note(self, seen: Seen) -> None:
        with self._lock:
            self.requests.append(seen)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        proxy: FaultyProxy = self.server.owner  # type: ignore[attr-defined]
        length = int(self.headers.get("Content-Length") or 0)
        body = b""
        with contextlib.suppress(ConnectionResetError):
            body = self.rfile.read(length)
        if len(body) < length:  # the client was killed: S3 never shows what did not come whole, and rclone would
            self._reset()
            return
        fault = proxy.draw()
        if fault in _CODES:
            self._refuse(int(fault), _CODES[fault])
        elif fault == "reset":
            self._reset()
        elif fault == "stall":
            threading.Event().wait(proxy.stall_s)
            self._reset()
        else:
            self._forward(proxy, body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle

    def _forward(self, proxy: FaultyProxy, body: bytes, fault: str | None) -> None:
        if proxy.conditions is None:
            self._send_on(proxy, body, fault)
            return
        with proxy.conditions.judged(self.command, self.path, dict(self.headers.items())) as judged:
            if judged.code:
                self._refuse(judged.status, judged.code)
            else:
                judged.etag = self._send_on(proxy, body, fault)

    def _send_on(self, proxy: FaultyProxy, body: bytes, fault: str | None) -> str | None:
        """Forward the request, and return the ETag that the server's answer names."""
        upstream = http.client.HTTPConnection("127.0.0.1", proxy.target_port, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():  # the signature covers the host as the client named it
                upstream.putheader(name, value)
            upstream.endheaders(body)
            answer = upstream.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):  # the server was killed, or cut its answer short
            self._reset()
            return None
        finally:
            upstream.close()
        proxy.note(Seen(self.command, self.path, len(content)))
        if fault == "lost answer":
            self._reset()
        else:
            self._answer(answer, content, is_cut=fault == "cut answer")
        return answer.getheader("ETag")

    def _answer(self, answer: http.client.HTTPResponse, content: bytes, is_cut: bool) -> None:
        self.send_response_only(answer.status)
        size = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        if size is not None:
            self.send_header("Content-Length", size)
        with contextlib.suppress(OSError):  # a client that gave up
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if is_cut else content)
        if is_cut:
            self._reset()

    def _refuse(self, status: int, code: str) -> None:
        content = b"" if self.command == "HEAD" else f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode()
        with contextlib.suppress(OSError):
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def _reset(self) -> None:
        """Close with RST, as a dying machine or a firewall does."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_: object) -> None:
        pass
