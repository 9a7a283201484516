"""A model hub on a free loopback port that takes repositories and commits as the Hugging Face hub does.

Large files go to the addresses that it hands out, as the hub's go to object storage: to another server.
"""

import base64
import http.server
import json
from typing import Any

from tests.support.loopback import LoopbackServer


class Storage(LoopbackServer):
    """Where large files are put; it must see no token."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.headers: list[dict[str, str]] = []
        super().__init__(_StorageHandler)


class HubRepository(LoopbackServer):
    """The hub as a context: `repos` by name, each with its files, and the headers of every request."""

    def __init__(self, storage: Storage, token: str) -> None:
        self.storage, self.token = storage, token
        self.repos: dict[str, dict[str, Any]] = {}
        self.headers: list[dict[str, str]] = []
        super().__init__(_HubHandler)


class Redirecting(LoopbackServer):
    """A server that sends every request on to another one."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.headers: list[dict[str, str]] = []
        super().__init__(_RedirectHandler)


class _Handler(http.server.BaseHTTPRequestHandler):
    @property
    def owner(self) -> Any:
        return self.server.owner  # type: ignore[attr-defined]

    def body(self) -> bytes:
        self.owner.headers.append({name.lower(): value for name, value in self.headers.items()})
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, content: Any, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class _RedirectHandler(_Handler):
    def do_GET(self) -> None:
        self.body()
        self.send_response(307)
        self.send_header("Location", self.owner.target + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_GET


class _StorageHandler(_Handler):
    def do_GET(self) -> None:
        self.body()
        self.answer({})

    do_POST = do_GET

    def do_PUT(self) -> None:
        self.owner.files[self.path.lstrip("/")] = self.body()
        self.answer({})


class _HubHandler(_Handler):
    def do_GET(self) -> None:
        self.body()
        repo = self.path.removeprefix("/api/models/")
        private = self.owner.repos[repo]["visibility"] == "private"
        self.answer({"id": repo, "private": private, "siblings": []})

    def do_POST(self) -> None:
        body = self.body()
        if self.headers.get("Authorization") != f"Bearer {self.owner.token}":
            return self.answer({"error": "Invalid username or password."}, 401)
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        repo, _, action = self.path.removeprefix("/api/models/").partition("/preupload/")
        if action:
            files = json.loads(body)["files"]
            modes = [{"path": one["path"], "uploadMode": _mode(one["path"]), "shouldIgnore": False} for one in files]
            return self.answer({"files": modes})
        if self.path.endswith("/info/lfs/objects/batch"):
            return self.answer(
                {"transfer": "basic", "objects": [self._place(one) for one in json.loads(body)["objects"]]}
            )
        repo, _, action = self.path.removeprefix("/api/models/").partition("/commit/")
        assert action, self.path
        return self._commit(repo, [json.loads(line) for line in body.splitlines()])

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
        if name in self.owner.repos:
            return self.answer({"error": "exists", "url": f"{self.owner.address}/{name}"}, 409)
        self.owner.repos[name] = {"visibility": asked.get("visibility"), "files": {}, "messages": []}
        return self.answer({"url": f"{self.owner.address}/{name}"})

    def _place(self, asked: dict[str, Any]) -> dict[str, Any]:
        there = {"href": f"{self.owner.storage.address}/{asked['oid']}"}
        return {"oid": asked["oid"], "size": asked["size"], "actions": {"upload": there}}

    def _commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        made = self.owner.repos[repo]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                made["messages"].append(value["summary"])
            elif line["key"] == "file":
                made["files"][value["path"]] = base64.b64decode(value["content"])
            else:
                made["files"][value["path"]] = self.owner.storage.files[value["oid"]]
        address = f"{self.owner.address}/{repo}/commit/{'c' * 40}"
        self.answer({"success": True, "commitOid": "c" * 40, "commitUrl": address, "hookOutput": ""})


def _mode(path: str) -> str:
    return "lfs" if path.endswith(".safetensors") else "regular"
