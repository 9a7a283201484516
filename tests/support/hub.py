"""A model hub on a free loopback port that says which commit a branch of a model is; branches move as a test says."""

import http.server
import json

from tests.support.loopback import LoopbackServer


class Hub(LoopbackServer):
    """The hub as a context."""

    def __init__(self) -> None:
        self.branches: dict[str, str] = {}  # `owner/name/revision/branch` -> commit
        self.asked: list[str] = []
        super().__init__(_Handler)

    def push(self, model: str, commit: str, branch: str = "main") -> None:
        """Let `branch` of a model be a commit."""
        self.branches[f"{model}/revision/{branch}"] = commit


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        hub: Hub = self.server.owner  # type: ignore[attr-defined]
        asked = self.path.partition("?")[0].removeprefix("/api/models/")
        hub.asked.append(asked)
        commit = hub.branches.get(asked)
        body = json.dumps({"id": asked, "sha": commit, "siblings": []} if commit else {"error": "not found"}).encode()
        self.send_response(200 if commit else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
