"""The file that a batch is asked with: a line a request, up to a provider's limits of lines and bytes.

Separate because the format and its limits can be read and tested without a server.
"""

import json
from collections import deque
from pathlib import Path
from typing import Final

from stillhouse.inference.api.request import ChatRequest, ResponseForm, request_body
from stillhouse.recipe.batch import Batches
from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.teacher import Teacher

PATH: Final = "/v1/chat/completions"  # what OpenAI's API calls it, wherever the server itself lies


def take_questions(
    waiting: deque[ChatRequest], teacher: Teacher, endpoint: Endpoint, form: ResponseForm, path: Path
) -> list[ChatRequest]:
    """Write the next questions of `waiting` to the file at `path`, and return them; at least one, where one waits."""
    taken: list[ChatRequest] = []
    limits, size = endpoint.batch, 0
    with path.open("wb") as file:
        while waiting:
            line = request_line(teacher, endpoint, form, waiting[0])
            if taken and _is_full(limits, len(taken), size + len(line)):
                break
            taken.append(waiting.popleft())
            size += file.write(line)
    return taken


def request_line(teacher: Teacher, endpoint: Endpoint, form: ResponseForm, question: ChatRequest) -> bytes:
    """Return the line of one question, its end included."""
    line = {
        "custom_id": question.key,
        "method": "POST",
        "url": PATH,
        "body": request_body(teacher, endpoint, form, question),
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _is_full(limits: Batches, num_requests: int, size: int) -> bool:
    return num_requests >= limits.max_requests or size > limits.max_megabytes * 1_000_000
