"""A completion that comes as a stream of events, put together as the chat completion that it would be in one piece."""

import json
from collections.abc import Iterable
from typing import Any

_DONE = "[DONE]"
# text that comes in pieces, one after the other
_PIECES = ("content", "reasoning_content", "reasoning", "refusal")


class StreamedCompletion:
    """The events of one stream so far."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self._body: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._logprobs: list[Any] = []

    def add(self, line: str) -> bool:
        """Take a line of the stream; True if it holds data, which comments and blank lines don't."""
        name, _, data = line.partition(":")
        if name.strip() != "data" or not data.strip():
            return False
        if data.strip() == _DONE:
            return True
        try:
            event = json.loads(data)
        except ValueError:
            event = {"error": f"an event that is no JSON: {data.strip()[:100]}"}
        self._take(event if isinstance(event, dict) else {"error": event})
        return True

    def content(self) -> bytes:
        """Return the chat completion as a response's body. A stream that was broken off has no finish_reason."""
        if self._calls:
            self._message["tool_calls"] = [call for _, call in sorted(self._calls.items())]
        logprobs = {"logprobs": {"content": self._logprobs}} if self._logprobs else {}
        choices = [{**self._choice, "message": self._message, **logprobs}] if self._choice or self._message else []
        return json.dumps({**self._body, "choices": choices}).encode()

    def _take(self, event: dict[str, Any]) -> None:
        # each may stand in any event, and again with more in a later one
        self._body |= {name: event[name] for name in ("usage", "error") if event.get(name)}
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            if not choices and "error" not in event and event.get("object") == "error":
                self._body["error"] = event
            return
        self._choice |= {name: choice[name] for name in ("finish_reason", "error") if choice.get(name)}
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict) and isinstance(logprobs.get("content"), list):
            self._logprobs += logprobs["content"]
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._add_delta(delta)

    def _add_delta(self, delta: dict[str, Any]) -> None:
        for name in _PIECES:
            piece = delta.get(name)
            known = self._message.get(name)
            if isinstance(piece, str):
                self._message[name] = known + piece if isinstance(known, str) else piece
            elif isinstance(piece, list):
                # Mistral's reasoning comes as parts
                self._message[name] = [*_as_parts(known), *piece]
        calls = delta.get("tool_calls")
        for number, call in enumerate(calls if isinstance(calls, list) else []):
            if isinstance(call, dict):
                self._add_call(call.get("index", number), call)

    def _add_call(self, index: Any, call: dict[str, Any]) -> None:
        place = index if isinstance(index, int) else len(self._calls)
        known = self._calls.setdefault(place, {"function": {"name": "", "arguments": ""}})["function"]
        function = call.get("function")
        for name in known if isinstance(function, dict) else ():
            if isinstance(function, dict) and isinstance(function.get(name), str):
                known[name] += function[name]


def _as_parts(content: Any) -> Iterable[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []
