"""Anthropic's Message Batches: requests and results as its documentation and its SDK's types show them."""

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.support.api.batch_server import Asked, Batch, BatchServer
from tests.support.api.requests import KEY

_FIELDS = {"model", "max_tokens", "messages", "system", "temperature", "top_p", "stop_sequences", "tools", "thinking"}
_FIELDS |= {"output_config"}
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ERRORS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 413: "request_too_large"}
_ERRORS |= {429: "rate_limit_error", 500: "api_error", 503: "overloaded_error"}


def message(text: str, stop_reason: str = "end_turn", **fields: Any) -> dict[str, Any]:
    """A message as the Messages API returns it: 11 tokens and 2."""
    return {
        "id": "msg_014VwiXbi91y3JMjcpyGBHX5",
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 2},
        **fields,
    }


def answered(custom_id: str, text: str = "billing", stop_reason: str = "end_turn", **fields: Any) -> dict[str, Any]:
    return _line(custom_id, {"type": "succeeded", "message": message(text, stop_reason, **fields)})


def refused(custom_id: str, status: int, text: str = "no") -> dict[str, Any]:
    error = {"type": "error", "error": {"type": _ERRORS[status], "message": text}, "request_id": "req_1"}
    return _line(custom_id, {"type": "errored", "error": error})


def undone(custom_id: str, code: str = "batch_expired") -> dict[str, Any]:
    return _line(custom_id, {"type": {"batch_expired": "expired", "batch_cancelled": "canceled"}[code]})


def _line(custom_id: str, result: dict[str, Any]) -> dict[str, Any]:
    return {"custom_id": custom_id, "result": result}


class AnthropicServer(BatchServer):
    """The server. It has no files: `files` holds each batch's results by its id."""

    path = "/v1/messages/batches"
    answered = staticmethod(answered)
    refused = staticmethod(refused)
    undone = staticmethod(undone)

    def __init__(self) -> None:
        super().__init__()
        self.results_host = "https://api.anthropic.com"
        self.created: dict[str, float] = {}  # now, unless a test says when
        self.deleted: list[str] = []

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._failing], client_max_size=256_000_000)
        app.add_routes(
            [
                web.post(self.path, self._create),
                web.get(self.path, self._list),
                web.get(f"{self.path}/{{id}}", self._state),
                web.get(f"{self.path}/{{id}}/results", self._content),
                web.delete(f"{self.path}/{{id}}", self._delete),
            ]
        )
        return app

    async def _create(self, request: web.Request) -> web.Response:
        if request.headers.get("x-api-key") != KEY or "Authorization" in request.headers:
            return error(401, f"invalid x-api-key {request.headers.get('x-api-key')}")
        if request.headers.get("anthropic-version") != "2023-06-01":
            return error(400, "anthropic-version: header is required")
        data = await request.read()
        self.sizes.append(len(data))
        asked = json.loads(data)
        requests = asked["requests"]
        keys = [line["custom_id"] for line in requests]
        is_wrong = set(asked) != {"requests"} or len(set(keys)) < len(keys) or not 0 < len(keys) <= 100_000
        if is_wrong or not all(_CUSTOM_ID.fullmatch(key) for key in keys):
            return error(400, "requests: wrong")
        if wrong := [
            line for line in requests if set(line) != {"custom_id", "params"} or set(line["params"]) - _FIELDS
        ]:
            return error(400, f"requests: Extra inputs are not permitted: {wrong[0]}")
        if not self.takes(len(keys)):
            return error(429, "This request would exceed your limit of batch requests in the processing queue")
        self.add([{"custom_id": line["custom_id"], "body": line["params"]} for line in requests])
        return web.json_response(self._batch_body(self.batches[-1]))

    def add(self, lines: list[Asked], created: float | None = None) -> Batch:
        """Make a batch, ours or another's."""
        batch = Batch(f"msgbatch_{len(self.batches)}", "", {}, lines, status="in_progress")
        self.created[batch.id] = created or time.time()
        self.batches.append(batch)
        return batch

    async def _list(self, request: web.Request) -> web.Response:
        kept = [batch for batch in reversed(self.batches) if batch.id not in self.deleted]
        if after := request.query.get("after_id"):
            kept = kept[[batch.id for batch in kept].index(after) + 1 :]
        page = kept[: min(self.page_size, int(request.query.get("limit", 20)))] if self.is_listing else []
        ids = [batch.id for batch in page] or [None]
        body = {"data": [self._batch_body(batch) for batch in page], "has_more": len(page) < len(kept)}
        return web.json_response({**body, "first_id": ids[0], "last_id": ids[-1]})

    def _finish(self, batch: Batch) -> None:
        batch.status = self.end(batch)
        lines = [line for line in (self.answer(asked) for asked in batch.lines) if line]
        self._write(batch.id, lines)

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if self.files.pop(name, None) is None:
            return error(400, "a batch that has not ended can't be deleted")
        self.deleted.append(name)
        return web.json_response({"id": name, "type": "message_batch_deleted"})

    def _batch_body(self, batch: Batch) -> dict[str, Any]:
        is_over = batch.status != "in_progress"
        lines = [json.loads(line)["result"]["type"] for line in self.files.get(batch.id, b"").splitlines()]
        kinds = ("succeeded", "errored", "canceled", "expired")
        created = datetime.fromtimestamp(self.created[batch.id], UTC).isoformat().replace("+00:00", "Z")
        url = f"{self.results_host}{self.path}/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if is_over else "in_progress",
            "request_counts": {
                "processing": 0 if is_over else len(batch.lines),
                **{kind: lines.count(kind) for kind in kinds},
            },
            "created_at": created,
            "expires_at": created,
            "ended_at": created if is_over else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": url if is_over else None,
        }


def error(status: int, text: str) -> web.Response:
    body = {"type": "error", "error": {"type": _ERRORS[status], "message": text}, "request_id": "req_1"}
    return web.json_response(body, status=status)
