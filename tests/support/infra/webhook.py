"""A server that receives notifications."""

import http.server
import json
import threading
from typing import Any

from tests.support.infra.services import free_port


class Webhook:
    """An HTTP server that keeps the notifications it receives."""

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
