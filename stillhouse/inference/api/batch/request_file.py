"""The file of requests that a batch is made of: one line a request, up to a provider's limits of lines and bytes."""

import json
from collections import deque
from pathlib import Path
from typing import Final

from stillhouse.inference.api.request import ApiModel, ChatRequest, request_body
from stillhouse.recipe.endpoint import BatchSettings

PATH: Final = "/v1/chat/completions"  # OpenAI's name for it, whatever the server's own path is


def take_requests(waiting: deque[ChatRequest], model: ApiModel, path: Path) -> list[ChatRequest]:
    """Write the next requests of `waiting` to the file at `path`, and return them; at least one if one waits."""
    taken: list[ChatRequest] = []
    size_bytes = 0
    with path.open("wb") as file:
        while waiting:
            line = request_line(model, waiting[0])
            if taken and _is_full(model.endpoint.batch, len(taken), size_bytes + len(line)):
                break
            taken.append(waiting.popleft())
            size_bytes += file.write(line)
    return taken


def request_line(model: ApiModel, request: ChatRequest) -> bytes:
    """Return the line of one request, its end included."""
    line = {"custom_id": request.key, "method": "POST", "url": PATH, "body": request_body(model, request)}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _is_full(limits: BatchSettings, num_requests: int, size_bytes: int) -> bool:
    return num_requests >= limits.max_requests or size_bytes > limits.max_megabytes * 1_000_000
