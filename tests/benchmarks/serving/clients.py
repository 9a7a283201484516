"""Many clients of one server over connections that stay open, with so little work of their own as can be."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Load:
    """What many clients saw."""

    right: int = 0
    wrong: int = 0
    refused: int = 0
    lost: int = 0  # a request without a whole answer
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return self.right / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds that so many requests took at most."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Question:
    """A request and the answer that the bare engine gives."""

    content: bytes  # of the whole HTTP request
    answer: str


def question(path: str, key: str, body: dict[str, object], answer: str) -> Question:
    """Return a request to `path` as bytes."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    return Question(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content, answer)


async def ask_all(port: int, questions: Sequence[Question], clients: int, seconds: float) -> Load:
    """Have `clients` ask random questions, one after the other each, for so many seconds."""
    load, started = Load(), time.perf_counter()
    draws = (random.Random(number) for number in range(clients))
    await asyncio.gather(*(_client(port, questions, draw, load, started + seconds) for draw in draws))
    load.seconds = time.perf_counter() - started
    return load


async def _client(port: int, questions: Sequence[Question], draw: random.Random, load: Load, end: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        asked, started = draw.choice(questions), time.perf_counter()
        try:
            writer.write(asked.content)
            status, body = await _response(reader)
        except (OSError, EOFError, ValueError):
            load.lost += 1
            break
        load.latencies_ms.append(1000 * (time.perf_counter() - started))
        if status != 200:
            load.refused += 1
        elif answer_in(json.loads(body)) == asked.answer:
            load.right += 1
        else:
            load.wrong += 1
    writer.close()


async def _response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.index(b"content-length:") + len(b"content-length:")
    size = int(lower[at : lower.index(b"\r\n", at)])
    return int(head[9:12]), await reader.readexactly(size)


def answer_in(body: dict[str, object]) -> object:
    """Return the label in an answer of either route."""
    if "label" in body:
        return body["label"]
    return body["choices"][0]["message"]["content"]  # type: ignore[index]
