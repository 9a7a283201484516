"""The file of requests that a batch is made of: one line a request, up to a provider's limits of lines and bytes."""

from collections import deque
from pathlib import Path

from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.inference.api.request import ChatRequest, request_body


def take_requests(
    waiting: deque[ChatRequest], client: BatchClient, path: Path, most_requests: int
) -> list[ChatRequest]:
    """Write the next requests of `waiting` to the file at `path`, and return them; at least one if one waits."""
    model, api = client.model, client.api
    most_bytes = model.endpoint.batch.max_megabytes * 1_000_000
    taken: list[ChatRequest] = []
    size_bytes = 0
    with path.open("wb") as file:
        while waiting:
            line = api.request_line(waiting[0].key, request_body(model, waiting[0]))
            if taken and (len(taken) >= most_requests or size_bytes + len(line) > most_bytes):
                break
            taken.append(waiting.popleft())
            size_bytes += file.write(line)
    return taken
