"""Gemini's batches and files: requests and results as its documentation and its SDK's tests show them."""

import json
from typing import Any

from aiohttp import web

from tests.support.api.batch_server import Batch, BatchServer
from tests.support.api.requests import KEY

_FIELDS = {"contents", "systemInstruction", "generationConfig", "tools"}
_CODES = {400: 3, 404: 5, 429: 8, 500: 13, 503: 14}  # HTTP -> google.rpc.Code
_STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
_STATES = {"in_progress": "RUNNING", "completed": "SUCCEEDED"}


def response(text: str, finish_reason: str = "STOP", **fields: Any) -> dict[str, Any]:
    """A GenerateContentResponse: 11 tokens and 2."""
    return {
        "candidates": [
            {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish_reason, "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 2, "totalTokenCount": 13},
        "modelVersion": "served",
        "responseId": "nQkvaZ",
        **fields,
    }


def answered(key: str, text: str = "billing", finish_reason: str = "STOP", **fields: Any) -> dict[str, Any]:
    return {"key": key, "response": response(text, finish_reason, **fields)}


def refused(key: str, status: int, text: str = "no") -> dict[str, Any]:
    return {"key": key, "error": {"code": _CODES[status], "message": text}}


def undone(key: str, code: str = "batch_expired") -> dict[str, Any]:
    return {"key": key, "error": {"code": 1, "message": "The operation was cancelled."}}


class GeminiServer(BatchServer):
    """The server, at http://127.0.0.1:9/v1beta beside its OpenAI-compatible address."""

    answered = staticmethod(answered)
    refused = staticmethod(refused)
    undone = staticmethod(undone)

    def __init__(self) -> None:
        super().__init__()
        self.upload_host = "http://127.0.0.1:9"
        self.deleted: list[str] = []

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._failing], client_max_size=2_000_000_000)
        app.add_routes(
            [
                web.post("/upload/v1beta/files", self._upload),
                web.get("/v1beta/files/{id}", self._file),
                web.delete("/v1beta/files/{id}", self._delete),
                web.get("/download/v1beta/files/{call}", self._content),
                web.post("/v1beta/models/{call}", self._create),
                web.get("/v1beta/batches", self._list),
                web.get("/v1beta/batches/{id}", self._state),
                web.delete("/v1beta/batches/{id}", self._delete_batch),
            ]
        )
        return app

    async def _upload(self, request: web.Request) -> web.Response:
        if not _has_key(request):
            return error(
                400, f"API key not valid. Please pass a valid API key, not {request.headers.get('x-goog-api-key')}"
            )
        if request.headers["X-Goog-Upload-Command"] == "start":
            assert request.headers["X-Goog-Upload-Protocol"] == "resumable"
            assert request.headers["X-Goog-Upload-Header-Content-Type"] == "application/jsonl"
            length = request.headers["X-Goog-Upload-Header-Content-Length"]
            place = f"{self.upload_host}/upload/v1beta/files?upload_id={length}&upload_protocol=resumable"
            return web.Response(headers={"X-Goog-Upload-URL": place, "X-Goog-Upload-Status": "active"})
        assert request.headers["X-Goog-Upload-Command"] == "upload, finalize"
        data = await request.read()
        assert str(len(data)) == request.query["upload_id"]
        self.sizes.append(len(data))
        name = f"f{len(self.sizes)}"
        self.files[name] = data
        return web.json_response({"file": self._file_body(name)})

    def _file_body(self, name: str, filename: str = "requests.jsonl") -> dict[str, Any]:
        is_checked = self.calls.count("file") >= self.file_looks
        body = {"name": f"files/{name}", "displayName": filename, "mimeType": "application/jsonl"}
        return {**body, "sizeBytes": str(len(self.files[name])), "state": "ACTIVE" if is_checked else "PROCESSING"}

    async def _content(self, request: web.Request) -> web.Response:
        name = request.match_info["call"].removesuffix(":download")
        assert request.query["alt"] == "media"
        if not _has_key(request) or name not in self.files:
            return error(404, f"File {name} not found")
        return web.Response(body=self.files[name], content_type="application/octet-stream")

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if len(name) > 40:
            return error(400, "* DeleteFileRequest.name: File ID (name excluding 'files/') cannot be more than 40 ...")
        if self.files.pop(name, None) is None:
            return error(404, f"File {name} not found")
        return web.json_response({})

    async def _delete_batch(self, request: web.Request) -> web.Response:
        self.deleted.append(f"batches/{request.match_info['id']}")
        return web.json_response({})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert request.match_info["call"] == "served:batchGenerateContent"
        assert set(asked) == {"batch"}
        assert set(asked["batch"]) == {"displayName", "inputConfig"}
        name = asked["batch"]["inputConfig"]["fileName"].removeprefix("files/")
        if not _has_key(request) or name not in self.files:
            return error(404, f"File {name} not found")
        lines = [json.loads(line) for line in self.files[name].splitlines()]
        assert all(set(line) == {"key", "request"} and not set(line["request"]) - _FIELDS for line in lines)
        if not self.takes(len(lines)):
            return error(429, "You exceeded your current quota, please check your plan and billing details.")
        known = [{"custom_id": line["key"], "request": line["request"], "body": _as_body(line)} for line in lines]
        number = len(self.batches)
        # as long as the real ones: the name of the file of results is too long to be deleted
        batch = Batch(f"batches/{number:036}", name, {"name": asked["batch"]["displayName"]}, known)
        batch.status = "in_progress"
        self.batches.append(batch)
        return web.json_response(self._batch_body(batch))

    async def _state(self, request: web.Request) -> web.Response:
        found = [batch for batch in self.batches if batch.id == f"batches/{request.match_info['id']}"]
        if not found:
            return error(404, "No such batch")
        batch = found[0]
        batch.looks += 1
        if batch.status == "in_progress" and batch.looks >= self.looks_until_end:
            batch.status = self.end(batch)
            if batch.status in ("completed", "cancelled"):
                lines = [line for line in (self.answer(asked) for asked in batch.lines) if line]
                batch.output_file = self._write(batch.id.replace("batches/", "batch-"), lines)
        return web.json_response(self._batch_body(batch))

    async def _list(self, request: web.Request) -> web.Response:
        start = int(request.query.get("pageToken", 0))
        kept = list(reversed(self.batches))[start:] if self.is_listing else []
        page = kept[: min(self.page_size, int(request.query["pageSize"]))]
        body: dict[str, Any] = {"operations": [self._batch_body(batch) for batch in page]} if page else {}
        more = {"nextPageToken": str(start + len(page))} if len(page) < len(kept) else {}
        return web.json_response({**body, **more})

    def _batch_body(self, batch: Batch) -> dict[str, Any]:
        stats = {"requestCount": str(len(batch.lines))}
        if batch.status == "in_progress":
            stats["pendingRequestCount"] = stats["requestCount"]
        else:
            stats["successfulRequestCount"] = stats["requestCount"]
        metadata: dict[str, Any] = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "model": "models/served",
            "displayName": batch.metadata["name"],
            "createTime": "2026-11-28T09:00:00.943530657Z",
            "updateTime": "2026-11-28T09:10:00.736868797Z",
            "batchStats": stats,
            "state": f"BATCH_STATE_{_STATES.get(batch.status, batch.status.upper())}",
            "name": batch.id,
        }
        body: dict[str, Any] = {"name": batch.id, "metadata": metadata}
        if batch.output_file:
            output = {"responsesFile": f"files/{batch.output_file}"}
            metadata["output"] = output
            body |= {"done": True, "response": {"@type": "type.googleapis.com/…Output", **output}}
        if batch.errors:
            body |= {"done": True, "error": batch.errors[0]}
        return body


def _as_body(line: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"content": line["request"]["contents"][-1]["parts"][0].get("text")}]}


def _has_key(request: web.Request) -> bool:
    return request.headers.get("x-goog-api-key") == KEY and "Authorization" not in request.headers


def error(status: int, text: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": text, "status": _STATUSES[status]}}, status=status)
