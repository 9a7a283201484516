"""A batch API on a Unix socket or the loopback: it takes files and batches as OpenAI documents them, and no others.

What it was asked stands in `calls`, what was bought in `batches`: the provider's own books. A test says by `answer`
what becomes of each line, by `end` how a batch ends, by `fault` which call fails, before or after it had its effect.
"""

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.api.server import answer as completion
from tests.support.api.server import in_a_thread

MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000
_LINE = {"custom_id", "method", "url", "body"}


def answered(custom_id: str, text: str = "billing", finish_reason: str = "stop") -> dict[str, Any]:
    """A line of an output file."""
    body = json.loads(completion(text, finish_reason).body)
    return _line(custom_id, {"status_code": 200, "request_id": "req", "body": body}, None)


def refused(custom_id: str, status: int, message: str = "no", **error: Any) -> dict[str, Any]:
    """A line of an error file, for a request that was answered with an error."""
    body = {"error": {"message": message, **error}}
    return _line(custom_id, {"status_code": status, "request_id": "req", "body": body}, None)


def undone(custom_id: str, code: str = "batch_expired") -> dict[str, Any]:
    """A line of an error file, for a request that the batch's end left undone."""
    return _line(custom_id, None, {"code": code, "message": "This request could not be executed in time."})


def _line(custom_id: str, response: Any, error: Any) -> dict[str, Any]:
    return {"id": f"batch_req_{custom_id[:8]}", "custom_id": custom_id, "response": response, "error": error}


Asked = dict[str, Any]  # one line of a batch's input


@dataclass
class Fault:
    """How one call fails."""

    status: int = 0  # 0: the connection is closed without a byte
    is_done: bool = False  # it had its effect all the same
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "overloaded"}}'
    delay_s: float = 0.0


@dataclass
class Batch:
    """One batch that was bought."""

    id: str
    input_file: str
    metadata: dict[str, str]
    lines: list[Asked]
    looks: int = 0  # at its state
    status: str = "validating"
    output_file: str | None = None
    error_file: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [line["custom_id"] for line in self.lines]

    @property
    def prompts(self) -> list[str]:
        return [line["body"]["messages"][-1]["content"] for line in self.lines]


class BatchServer:
    """The server; a batch ends at the look at it that `looks_until_end` says."""

    path = "/v1/batches"
    # lines of results in the provider's form
    answered = staticmethod(answered)
    refused = staticmethod(refused)
    undone = staticmethod(undone)

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.batches: list[Batch] = []
        self.files: dict[str, bytes] = {}
        self.sizes: list[int] = []  # of the uploads
        self.address = ""
        self.looks_until_end = 1
        self.file_looks = 0  # at a file until a batch may be made of it
        self.page_size = 100
        self.is_listing = True
        self.most_waiting = MOST_REQUESTS  # requests of this account in batches that run
        self.answer: Callable[[Asked], dict[str, Any] | None] = lambda line: self.answered(line["custom_id"])
        self.end: Callable[[Batch], str] = lambda batch: "completed"
        self.fault: Callable[[str, int], Fault | None] = lambda call, number: None
        self.delay_s: Callable[[str], float] = lambda call: 0.0

    @property
    def bought(self) -> Counter[str]:
        """How often each key was in a batch that began."""
        return Counter(key for batch in self.batches if batch.status != "failed" for key in batch.keys)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._failing], client_max_size=MOST_BYTES + 10_000)
        app.add_routes(
            [
                web.post("/v1/files", self._upload),
                web.get("/v1/files/{id}", self._file),
                web.get("/v1/files/{id}/content", self._content),
                web.delete("/v1/files/{id}", self._delete),
                web.post(self.path, self._create),
                web.get(self.path, self._list),
                web.get(f"{self.path}/{{id}}", self._state),
            ]
        )
        return app

    def end_first_after(self, prompt: str) -> None:
        """Let the first batch run out of time with the prompts after `prompt` undone, and answer all else."""

        def end(batch: Batch) -> str:
            return "expired" if batch is self.batches[0] else "completed"

        def answer(line: Asked) -> dict[str, Any]:
            is_late = len(self.batches) == 1 and line["body"]["messages"][-1]["content"] > prompt
            return self.undone(line["custom_id"]) if is_late else self.answered(line["custom_id"])

        self.end, self.answer = end, answer

    def takes(self, number: int) -> bool:
        """Whether the account may have so many requests more in batches that run."""
        running = (len(batch.lines) for batch in self.batches if batch.status == "in_progress")
        return sum(running) + number <= self.most_waiting

    @web.middleware
    async def _failing(self, request: web.Request, handler: Any) -> web.StreamResponse:
        name = request.match_info.handler.__name__.strip("_")
        fault = self.fault(name, self.calls.count(name))
        self.calls.append(name)
        response: web.StreamResponse | None = None
        if fault is None or fault.is_done:
            response = await handler(request)
        if (delay := self.delay_s(name) + (fault.delay_s if fault else 0.0)) > 0.0:
            await asyncio.sleep(delay)
        if fault is None:
            assert response
            return response
        if not fault.status:
            assert request.transport
            request.transport.abort()
        return web.Response(
            status=fault.status or 500, text=fault.body, headers=fault.headers, content_type="application/json"
        )

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file, purpose = form["file"], form["purpose"]
        assert isinstance(file, web.FileField)
        if purpose != "batch":
            return _error(400, f"purpose {purpose}")
        data = file.file.read()
        self.sizes.append(len(data))
        if len(data) > MOST_BYTES:
            return _error(413, "too large")
        name = f"file-{len(self.sizes)}"
        self.files[name] = data
        return web.json_response(self._file_body(name, file.filename))

    def _file_body(self, name: str, filename: str = "requests.jsonl") -> dict[str, Any]:
        size = len(self.files[name])
        body = {"id": name, "object": "file", "bytes": size, "created_at": 1, "filename": filename, "purpose": "batch"}
        return {**body, "status": "pending" if self.calls.count("file") < self.file_looks else "processed"}

    async def _file(self, request: web.Request) -> web.Response:
        return web.json_response(self._file_body(request.match_info["id"]))

    async def _content(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.files:
            return _error(404, f"No such File object: {name}")
        return web.Response(body=self.files[name], content_type="application/octet-stream")

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if self.files.pop(name, None) is None:
            return _error(404, f"No such File object: {name}")
        return web.json_response({"id": name, "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        wrong = {"input_file_id", "endpoint", "completion_window"} ^ (set(asked) - {"metadata"})
        if wrong or asked["endpoint"] != "/v1/chat/completions" or asked["completion_window"] != "24h":
            return _error(400, f"unexpected {sorted(wrong)} {asked}")
        metadata = asked.get("metadata", {})
        if len(metadata) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
            return _error(400, "metadata")
        if asked["input_file_id"] not in self.files:
            return _error(400, "no such file")
        if self.calls.count("file") < self.file_looks:
            return _error(400, "the file is still looked through")
        lines, errors = checked(self.files[asked["input_file_id"]])
        batch = Batch(f"batch_{len(self.batches)}", asked["input_file_id"], metadata, lines, errors=errors)
        batch.status = "failed" if errors else "in_progress"
        self.batches.append(batch)
        return web.json_response(self._batch_body(batch))

    async def _state(self, request: web.Request) -> web.Response:
        found = [batch for batch in self.batches if batch.id == request.match_info["id"]]
        if not found:
            return _error(404, "No such batch")
        batch = found[0]
        batch.looks += 1
        if batch.status == "in_progress" and batch.looks >= self.looks_until_end:
            self._finish(batch)
        return web.json_response(self._batch_body(batch))

    def _finish(self, batch: Batch) -> None:
        batch.status = self.end(batch)
        if batch.status == "failed":
            return
        lines = [line for line in (self.answer(asked) for asked in batch.lines) if line]
        well = [line for line in lines if (line["response"] or {}).get("status_code") == 200]
        batch.output_file = self._write(f"{batch.id}-output", well)
        batch.error_file = self._write(f"{batch.id}-errors", [line for line in lines if line not in well])

    def _write(self, name: str, lines: list[dict[str, Any]]) -> str | None:
        if not lines:
            return None
        # results come in any order
        self.files[name] = "".join(json.dumps(line) + "\n" for line in reversed(lines)).encode()
        return name

    async def _list(self, request: web.Request) -> web.Response:
        newest_first = [batch for batch in reversed(self.batches)] if self.is_listing else []
        if after := request.query.get("after"):
            newest_first = newest_first[[batch.id for batch in newest_first].index(after) + 1 :]
        page = newest_first[: min(self.page_size, int(request.query.get("limit", 20)))]
        return web.json_response(
            {
                "object": "list",
                "data": [self._batch_body(batch) for batch in page],
                "has_more": len(page) < len(newest_first),
            }
        )

    def _batch_body(self, batch: Batch) -> dict[str, Any]:
        ended = batch.status in ("completed", "expired", "cancelled")
        done = len(batch.lines) if ended else min(batch.looks, len(batch.lines))
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "created_at": 1,
            "input_file_id": batch.input_file,
            "status": batch.status,
            "output_file_id": batch.output_file,
            "error_file_id": batch.error_file,
            "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
            "metadata": batch.metadata,
            "request_counts": {"total": len(batch.lines), "completed": done, "failed": 0},
        }


def checked(data: bytes) -> tuple[list[Asked], list[dict[str, Any]]]:
    """The lines of an input file, and what OpenAI would find wrong with them."""
    lines, errors = [], []
    for number, text in enumerate(data.decode().splitlines(), start=1):
        line = json.loads(text)
        body = line.get("body", {})
        if set(line) != _LINE or line["method"] != "POST" or line["url"] != "/v1/chat/completions":
            errors.append({"code": "invalid_request", "message": "no request line", "line": number, "param": None})
        elif not isinstance(line["custom_id"], str) or not body.get("model") or not body.get("messages"):
            errors.append({"code": "invalid_request", "message": "no chat request", "line": number, "param": None})
        lines.append(line)
    if len({line["custom_id"] for line in lines}) != len(lines):
        errors.append({"code": "duplicate_custom_id", "message": "a custom_id twice", "line": None, "param": None})
    if len({line["body"]["model"] for line in lines}) > 1 or not 0 < len(lines) <= MOST_REQUESTS:
        errors.append({"code": "mismatched_model", "message": "models or number", "line": None, "param": None})
    return lines, errors


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "invalid_request_error"}}, status=status)


@contextlib.contextmanager
def serving_batches(socket: Path | None = None, server: BatchServer | None = None) -> Iterator[BatchServer]:
    """Serve on a Unix socket at `socket`, or without one on a free port of the loopback."""
    server = server or BatchServer()

    async def run(ready: threading.Event, over: asyncio.Event) -> None:
        runner = web.AppRunner(server.application(), shutdown_timeout=0.1)
        await runner.setup()
        site: Any = web.UnixSite(runner, str(socket)) if socket else web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = 9 if socket else runner.addresses[0][1]
        server.address = f"http://127.0.0.1:{port}/v1"
        ready.set()
        await over.wait()
        await runner.cleanup()

    with in_a_thread(run):
        yield server
