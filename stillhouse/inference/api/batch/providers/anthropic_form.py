"""Requests and results in the form of Anthropic's Messages API, from and to OpenAI's form of single requests."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from stillhouse.inference.api.batch.line import Line, LineResponse, undone

_RENAMED = {"stop": "stop_sequences"}
_CONVERTED = ("messages", "tools", "response_format")
# documented with the Messages API; api_error and all that is not known may pass
_STATUSES = {
    "invalid_request_error": HTTPStatus.BAD_REQUEST,
    "authentication_error": HTTPStatus.UNAUTHORIZED,
    "billing_error": HTTPStatus.PAYMENT_REQUIRED,
    "permission_error": HTTPStatus.FORBIDDEN,
    "not_found_error": HTTPStatus.NOT_FOUND,
    "request_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "rate_limit_error": HTTPStatus.TOO_MANY_REQUESTS,
    "timeout_error": HTTPStatus.GATEWAY_TIMEOUT,
    "overloaded_error": HTTPStatus.SERVICE_UNAVAILABLE,
}


class _Result(BaseModel):
    type: str
    message: dict[str, Any] = {}
    error: dict[str, Any] = {}


class _Line(BaseModel):
    custom_id: str
    result: _Result


def as_params(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request of the Messages API for the same answer; what has the same name in both is kept as it is."""
    params = {_RENAMED.get(name, name): value for name, value in body.items() if name not in _CONVERTED}
    # as the OpenAI-compatible endpoint does it: all instructions stand in front
    system = [turn["content"] for turn in body["messages"] if turn["role"] in ("system", "developer")]
    turns = (turn for turn in body["messages"] if turn["role"] not in ("system", "developer"))
    params["messages"] = list(_with_results_together(map(_as_turn, turns)))
    if system:
        params["system"] = "\n".join(system)
    if tools := body.get("tools"):
        params["tools"] = [_as_tool(tool["function"]) for tool in tools]
    if form := body.get("response_format"):
        given = params.get("output_config", {})
        params["output_config"] = {**given, "format": {"type": "json_schema", "schema": form["json_schema"]["schema"]}}
    return params


def _as_tool(function: Mapping[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    described = {"description": function["description"]} if function.get("description") else {}
    return {"name": function["name"], **described, "input_schema": schema}


def _as_turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    if turn["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": turn.get("tool_call_id", ""), "content": turn["content"]}
        return {"role": "user", "content": [result]}
    if not turn.get("tool_calls"):
        return {"role": turn["role"], "content": turn["content"]}
    # an empty text is refused
    blocks: list[dict[str, Any]] = [{"type": "text", "text": turn["content"]}] if turn["content"] else []
    for call in turn["tool_calls"]:
        function = call["function"]
        used = {"name": function["name"], "input": json.loads(function["arguments"])}
        blocks.append({"type": "tool_use", "id": call.get("id", ""), **used})
    return {"role": turn["role"], "content": blocks}


def _with_results_together(turns: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield the turns with results of tools that follow one another in one: those of one turn's calls must be so."""
    last: dict[str, Any] | None = None
    for turn in turns:
        is_result = isinstance(turn["content"], list) and turn["role"] == "user"
        if last and is_result:
            last["content"] += turn["content"]
            continue
        last = turn if is_result else None
        yield turn


def read_result(text: bytes) -> Line:
    """Return what became of one request, read from a line of results."""
    line = _Line.model_validate_json(text)
    key, result = line.custom_id, line.result
    if result.type == "succeeded":
        return Line(custom_id=key, response=LineResponse(status_code=HTTPStatus.OK, body=_as_chat(result.message)))
    if result.type in ("expired", "canceled"):
        return undone(key, "batch_expired" if result.type == "expired" else "batch_cancelled")
    inner = result.error.get("error")
    kind = inner.get("type") if isinstance(inner, dict) else None
    status = _STATUSES.get(str(kind), HTTPStatus.INTERNAL_SERVER_ERROR)
    return Line(custom_id=key, response=LineResponse(status_code=status, body=result.error))


def _as_chat(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as the chat completion that holds it; its fields are trusted as little as in one."""
    content = message.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    calls = [
        {"function": {"name": block.get("name"), "arguments": block.get("input")}}
        for block in blocks
        if block.get("type") == "tool_use"
    ]
    answer: dict[str, Any] = {"content": content, **({"tool_calls": calls} if calls else {})}
    return {
        "choices": [{"message": answer, "finish_reason": message.get("stop_reason")}],
        "usage": message.get("usage"),
    }
