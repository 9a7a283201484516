"""Requests and results in the form of Gemini's generateContent, from and to OpenAI's form of single requests."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from stillhouse.inference.api.batch.line import Line, LineError, LineResponse, undone

_CONFIG = {
    "temperature": "temperature",
    "top_p": "topP",
    "stop": "stopSequences",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
}
_CANCELLED = 1  # google.rpc.Code
# google.rpc.Code -> HTTP, as Google maps them; a code above these is HTTP's own
_STATUSES = {2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501}
_STATUSES |= {13: 500, 14: 503, 15: 500, 16: 401}
_LEAST_HTTP = 100


class _Status(BaseModel):
    code: int = 0
    message: str | None = None


class _Line(BaseModel):
    key: str
    response: dict[str, Any] | None = None
    error: _Status | None = None


def as_request(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a generateContent request for the same answer; `body` holds nothing that has no place in one."""
    system = [turn["content"] for turn in body["messages"] if turn["role"] in ("system", "developer")]
    turns = [turn for turn in body["messages"] if turn["role"] not in ("system", "developer")]
    request: dict[str, Any] = {"contents": _contents(turns), "generationConfig": _generation_config(body)}
    if system:
        request["systemInstruction"] = {"parts": [{"text": "\n".join(system)}]}
    if tools := body.get("tools"):
        request["tools"] = [{"functionDeclarations": [_as_declaration(tool["function"]) for tool in tools]}]
    return request


def _generation_config(body: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {name: body[given] for given, name in _CONFIG.items() if given in body}
    if form := body.get("response_format"):
        config |= {"responseMimeType": "application/json", "responseJsonSchema": form["json_schema"]["schema"]}
    # as the OpenAI-compatible endpoint takes it; the recipe's checks let nothing else pass
    if thinking := body.get("extra_body", {}).get("google", {}).get("thinking_config"):
        config["thinkingConfig"] = thinking
    return config


def _as_declaration(function: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"parametersJsonSchema": function["parameters"]} if function.get("parameters") else {}
    described = {"description": function["description"]} if function.get("description") else {}
    return {"name": function["name"], **described, **schema}


def _contents(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the turns; results of tools that follow one another are one turn, as those of one turn's calls must be."""
    called = {call.get("id"): call["function"]["name"] for turn in turns for call in turn.get("tool_calls", ())}
    contents: list[dict[str, Any]] = []
    role = ""
    for turn in turns:
        parts = _parts(turn, called)
        if turn["role"] == role == "tool":
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": "model" if turn["role"] == "assistant" else "user", "parts": parts})
        role = turn["role"]
    return contents


def _parts(turn: Mapping[str, Any], called: Mapping[str, str]) -> list[dict[str, Any]]:
    if turn["role"] == "tool":
        name = called.get(turn.get("tool_call_id", ""), turn.get("name", ""))
        return [{"functionResponse": {"name": name, "response": {"result": turn["content"]}}}]
    calls = [call["function"] for call in turn.get("tool_calls", ())]
    text = [{"text": turn["content"]}] if turn["content"] or not calls else []
    return text + [{"functionCall": {"name": call["name"], "args": json.loads(call["arguments"])}} for call in calls]


def read_result(text: bytes) -> Line:
    """Return what became of one request, read from a line of results."""
    line = _Line.model_validate_json(text)
    if line.response is not None:
        response = LineResponse(status_code=HTTPStatus.OK, body=_as_chat(line.response))
        return Line(custom_id=line.key, response=response)
    status = line.error or _Status()
    if status.code == _CANCELLED:
        return undone(line.key, "batch_cancelled")
    if not status.code:
        return Line(custom_id=line.key, error=LineError(message=status.message))
    code = status.code if status.code >= _LEAST_HTTP else _STATUSES.get(status.code, 500)
    body = {"error": {"message": status.message or f"code {status.code}"}}
    return Line(custom_id=line.key, response=LineResponse(status_code=code, body=body))


def _as_chat(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response as the chat completion that holds it; its fields are trusted as little as in one."""
    usage = _as_usage(response.get("usageMetadata"))
    candidates = response.get("candidates")
    candidate = candidates[0] if isinstance(candidates, list) and candidates else None
    if not isinstance(candidate, dict):
        feedback = response.get("promptFeedback")
        reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
        return {"choices": [{"finish_reason": f"content_filter: {reason}"}] if reason else [], "usage": usage}
    content = candidate.get("content")
    given = content.get("parts") if isinstance(content, dict) else None
    parts = [part for part in given if isinstance(part, dict)] if isinstance(given, list) else []
    calls = [part["functionCall"] for part in parts if isinstance(part.get("functionCall"), dict)]
    message: dict[str, Any] = {
        "content": _text(part for part in parts if not part.get("thought")),
        "reasoning": _text(part for part in parts if part.get("thought")),
    }
    if calls:
        called = ({"name": call.get("name"), "arguments": call.get("args", {})} for call in calls)
        message["tool_calls"] = [{"function": function} for function in called]
    reason = candidate.get("finishReason")
    finish_reason = reason.lower() if isinstance(reason, str) else reason
    return {"choices": [{"message": message, "finish_reason": finish_reason}], "usage": usage}


def _text(parts: Iterable[Mapping[str, Any]]) -> str:
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _as_usage(usage: Any) -> dict[str, Any]:
    """Return the counts in OpenAI's words; thoughts are paid for as the answer is."""
    given = usage if isinstance(usage, dict) else {}
    answer = (given.get(name) for name in ("candidatesTokenCount", "thoughtsTokenCount"))
    return {
        "prompt_tokens": given.get("promptTokenCount"),
        "completion_tokens": sum(count for count in answer if isinstance(count, int)),
        "cached_tokens": given.get("cachedContentTokenCount"),
    }
