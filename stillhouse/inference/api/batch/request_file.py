"""The file of requests that a batch is made of: one line a request, up to a provider's limits of lines and bytes."""

import json
from collections import deque
from pathlib import Path
from typing import Any, Final

from stillhouse.inference.api.request import ApiModel, ChatRequest, request_body

PATH: Final = "/v1/chat/completions"  # OpenAI's name for it, whatever the server's own path is


def take_requests(waiting: deque[ChatRequest], model: ApiModel, path: Path, most_requests: int) -> list[ChatRequest]:
    """Write the next requests of `waiting` to the file at `path`, and return them; at least one if one waits."""
    most_bytes = model.endpoint.batch.max_megabytes * 1_000_000
    taken: list[ChatRequest] = []
    size_bytes = 0
    with path.open("wb") as file:
        while waiting:
            line = request_line(model, waiting[0])
            if taken and (len(taken) >= most_requests or size_bytes + len(line) > most_bytes):
                break
            taken.append(waiting.popleft())
            size_bytes += file.write(line)
    return taken


def request_line(model: ApiModel, request: ChatRequest) -> bytes:
    """Return the line of one request, its end included."""
    body = request_body(model, request)
    line: dict[str, Any] = {"custom_id": request.key}
    if model.endpoint.preset.batch_api == "mistral":
        del body["model"]  # the job names it
    else:
        line |= {"method": "POST", "url": PATH}
    line["body"] = body
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
