"""The server's routes: OpenAI's chat completions, a plain one for labels, and those that supervisors ask."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from stillhouse.data.row import Messages
from stillhouse.serving.answers import Answer, Answerer
from stillhouse.serving.chat import Completion
from stillhouse.serving.engine import Wanted
from stillhouse.serving.entrance import State
from stillhouse.serving.errors import ApiError
from stillhouse.serving.metrics import Metrics
from stillhouse.serving.request_log import RequestLog, log_row
from stillhouse.serving.requests import (
    MAX_BODY_BYTES,
    Body,
    ChatBody,
    PredictBody,
    read_body,
    read_question,
    read_turns,
)
from stillhouse.serving.spec import ServeSpec
from stillhouse.serving.streaming import at_once, events_of, started


class Service:
    """One served model, with what happens around each answer."""

    def __init__(
        self, spec: ServeSpec, answerer: Answerer, metrics: Metrics, state: State, log: RequestLog | None
    ) -> None:
        """Take the parts of a server."""
        self.spec = spec
        self.answerer = answerer
        self.metrics = metrics
        self.state = state
        self._log = log

    def check_model(self, named: str | None) -> None:
        """Raise an ApiError unless `named` is the served model, or nothing."""
        if named is not None and named not in self.spec.names:
            raise ApiError(
                404,
                f"The model {named[:200]!r} is not served here; this server has {self.spec.names[0]}.",
                code="model_not_found",
                param="model",
            )

    def note(self, request_id: str, messages: Messages, answer: Answer) -> None:
        """Count an answer, and log it if the server logs."""
        self.metrics.count(answer)
        if self._log is None:
            return
        row = log_row(
            request_id,
            messages,
            answer,
            served=self.spec.names[-1],
            is_dialogue=self.spec.record.skill.is_dialogue,
            at=datetime.now(UTC),
        )
        if not self._log.write(row):
            self.metrics.log_failures.inc()


def make_app(service: Service) -> FastAPI:
    """Return the application with all routes."""
    app = FastAPI(title="Stillhouse", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_route("/predict", _predict(service), methods=["POST"])
    app.add_route("/v1/chat/completions", _chat(service), methods=["POST"])
    app.add_route("/v1/models", _models(service), methods=["GET"])
    app.add_route("/v1/models/{name:path}", _models(service), methods=["GET"])
    app.add_route("/health", _health(service), methods=["GET"])
    app.add_route("/ready", _ready(service), methods=["GET"])
    app.add_route("/metrics", _metrics(service), methods=["GET"])
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _unforeseen)
    return app


Handler = Callable[[Request], Any]


def _predict(service: Service) -> Handler:
    async def predict(request: Request) -> Response:
        if not service.spec.record.skill.has_labels:
            raise ApiError(404, "This model writes text and no labels: ask /v1/chat/completions.", code="no_labels")
        body = await _read(request, PredictBody)
        service.check_model(body.model)
        messages = read_question(body, service.spec.record)
        request_id = _new_id("pred")
        answer = await service.answerer.answer(messages, Wanted())
        service.note(request_id, messages, answer)
        known = {"label": answer.label, "confidence": answer.confidence, "handed_back": answer.is_handed_back}
        return JSONResponse({**known, "model": service.spec.name, "version": service.spec.version, "id": request_id})

    return predict


def _chat(service: Service) -> Handler:
    async def chat(request: Request) -> Response:
        body = await _read(request, ChatBody)
        service.check_model(body.model)
        messages = read_turns(body.messages, service.spec.record)
        request_id = _new_id("chatcmpl")
        completion, wanted = Completion(request_id, body.model), _wanted(body)

        def note(answer: Answer) -> None:
            service.note(request_id, messages, answer)

        if not body.stream:
            answer = await service.answerer.answer(messages, wanted)
            note(answer)
            return JSONResponse(completion.whole(answer))
        if service.answerer.can_stream:
            pieces = await started(service.answerer.stream(messages, wanted))
        else:
            pieces = at_once(await service.answerer.answer(messages, wanted))
        with_usage = body.stream_options is not None and body.stream_options.include_usage
        events = events_of(completion, pieces, note, with_usage=with_usage)
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return chat


def _models(service: Service) -> Handler:
    async def models(request: Request) -> Response:
        named = request.path_params.get("name")
        service.check_model(named)
        found = {
            "id": named or service.spec.names[0],
            "object": "model",
            "created": 0,
            "owned_by": "stillhouse",
            "version": service.spec.version,
            "labels": list(service.spec.record.labels),
        }
        return JSONResponse(found if named else {"object": "list", "data": [found]})

    return models


def _health(service: Service) -> Handler:
    async def health(request: Request) -> Response:
        return _status({"status": "ok" if service.state.is_alive else "engine ended"}, is_well=service.state.is_alive)

    return health


def _ready(service: Service) -> Handler:
    async def ready(request: Request) -> Response:
        is_well = service.state.is_alive and not service.state.is_stopping
        return _status({"status": "ready" if is_well else "not ready", "model": service.spec.names[0]}, is_well=is_well)

    return ready


def _status(content: dict[str, str], *, is_well: bool) -> Response:
    return JSONResponse(content, 200 if is_well else 503)


def _metrics(service: Service) -> Handler:
    async def metrics(request: Request) -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return metrics


async def _read(request: Request, kind: type[Body]) -> Body:
    """Return a request's body; nothing beyond the longest is read."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise ApiError(
            415,
            f"The content type is {content_type[:100] or 'not given'}; it must be application/json.",
            code="unsupported_media_type",
        )
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_BODY_BYTES:
            raise ApiError(413, f"The body has more than {MAX_BODY_BYTES // 2**20} MiB.", code="body_too_large")
    return read_body(kind, content)


def _wanted(body: ChatBody) -> Wanted:
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    return Wanted(
        max_tokens=body.max_completion_tokens or body.max_tokens,
        temperature=body.temperature or 0.0,
        top_p=1.0 if body.top_p is None else body.top_p,
        stop=tuple(stop),
        seed=body.seed or 0,
    )


def _new_id(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex}"


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body, error.status, headers=error.headers)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:200]
    said = f"{path} is no route of this server." if error.status_code == 404 else f"{path}: {error.detail}."
    return await _refused(request, ApiError(error.status_code, said, code="no_such_route"))


async def _unforeseen(request: Request, error: Exception) -> Response:
    # the trace is in the server's log: it may hold what only its owner should read
    return await _refused(request, ApiError(500, "The server failed. Its log says why.", code="server_error"))
