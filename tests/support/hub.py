"""A model hub on a free loopback port that says which commit a branch of a model is; branches move as a test says."""

import http.server
import json
import threading


class Hub:
    """The hub as a context."""

    def __init__(self) -> None:
        self.branches: dict[str, str] = {}  # `owner/name/revision/branch` -> commit
        self.asked: list[str] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.hub = self  # type: ignore[attr-defined]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def push(self, model: str, commit: str, branch: str = "main") -> None:
        """Let `branch` of a model be a commit."""
        self.branches[f"{model}/revision/{branch}"] = commit

    def __enter__(self) -> "Hub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        hub: Hub = self.server.hub  # type: ignore[attr-defined]
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
