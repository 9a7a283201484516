"""Answers in the form of OpenAI's chat completions, whole and as a stream."""

import json
import time
from typing import Any

from stillhouse.serving.answers import Answer


class Completion:
    """One answer under way."""

    def __init__(self, request_id: str, model: str) -> None:
        """Take what every part of it repeats."""
        self._common = {"id": request_id, "created": int(time.time()), "model": model}

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Return the answer as one object; `stillhouse` holds what OpenAI's form has no place for."""
        message = {"role": "assistant", "content": answer.text}
        return {
            **self._common,
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(answer)}],
            "usage": _usage(answer),
            "stillhouse": about(answer),
        }

    def piece(self, text: str, *, is_first: bool) -> bytes:
        """Return an event with a piece of the text."""
        delta = {"role": "assistant", "content": text} if is_first else {"content": text}
        return self._event([{"index": 0, "delta": delta, "finish_reason": None}])

    def end(self, answer: Answer, *, with_usage: bool) -> bytes:
        """Return the last events: a stream without them is not whole."""
        last = self._event(
            [{"index": 0, "delta": {}, "finish_reason": finish_reason(answer)}], stillhouse=about(answer)
        )
        usage = self._event([], usage=_usage(answer)) if with_usage else b""
        return last + usage + b"data: [DONE]\n\n"

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        return event({**self._common, "object": "chat.completion.chunk", "choices": choices, **more})


def event(content: dict[str, Any]) -> bytes:
    """Return one event of a stream."""
    return b"data: " + json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def about(answer: Answer) -> dict[str, Any]:
    """Return what is known of an answer besides its text."""
    return {"answer": answer.label, "confidence": answer.confidence, "handed_back": answer.is_handed_back}


def finish_reason(answer: Answer) -> str:
    """Return why the answer ends where it does, in OpenAI's words."""
    return "length" if answer.is_cut and not answer.is_handed_back else "stop"


def _usage(answer: Answer) -> dict[str, int]:
    total = answer.prompt_tokens + answer.completion_tokens
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": total,
    }
