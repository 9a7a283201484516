import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.infra.machine import Machine, free_port


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which nothing runs yet."""
    machine = Machine(tmp_path / "machine")
    yield machine
    machine.down()


class Hook:
    """A little HTTP server that notifications are sent to."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append({"path": self.path, **json.loads(body)})
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook/very-secret-path"

    def about(self, text: str) -> list[dict[str, Any]]:
        return [one for one in self.received if text in one["subject"] + one["text"]]


@pytest.fixture(scope="session")
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory, hook: Hook) -> Iterator[Machine]:
    """A machine that is up, its notifications sent to `hook`; each test leaves it up."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        machine.up(STILLHOUSE_NOTIFY_WEBHOOK=hook.url)
        machine.deploy_held()
        yield machine
    finally:
        machine.down()
