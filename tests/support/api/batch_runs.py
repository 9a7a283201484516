"""A generation through the batch API behind the Unix socket `socket` of the working folder, and what it left."""

from pathlib import Path
from typing import Any

import httpx2
from tenacity import wait_none

from stillhouse.inference.api.batch.client import BatchClient
from stillhouse.teachers.api_worker import generate
from tests.support.api.batch_server import BatchServer
from tests.support.api.requests import RecordingReporter, answers, spec, teacher


def run(folder: Path, num_rows: int = 6, batch: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Generate over `num_rows` messages, and return the summary."""
    return run_with_report(folder, num_rows, batch, **fields)[0]


def run_with_report(
    folder: Path,
    num_rows: int = 6,
    batch: dict[str, Any] | None = None,
    settle_s: float = 0.1,
    **fields: Any,
) -> tuple[dict[str, Any], RecordingReporter]:
    """Generate over `num_rows` messages, and return the summary and all that was reported."""
    reporter = RecordingReporter()
    own = {"execution": "batch", "batch": {"poll_s": 0.01, **(batch or {})}}
    endpoint = {**own, **fields.pop("endpoint", {})}

    def connect(*arguments: Any) -> BatchClient:
        transport = httpx2.AsyncHTTPTransport(uds="socket")
        return BatchClient(*arguments, backoff=wait_none(), settle_s=settle_s, transport=transport)

    asked = spec(folder, teacher(endpoint=endpoint, **fields), num_rows)
    return generate(asked, reporter, connect_batches=connect), reporter


def ticket_files(folder: Path) -> list[Path]:
    """Return the files of all tickets in the store."""
    return sorted((folder / "store" / "work" / "batches").rglob("*.json"))


def texts_of(folder: Path) -> list[str]:
    """Return the texts of the generation's table, by row."""
    return [line["text"] for _, line in sorted(answers(folder).items())]


def bought_once_each(server: BatchServer, number: int) -> bool:
    """Return whether `number` prompts were bought, each once."""
    return len(server.bought) == number and set(server.bought.values()) == {1}
