"""Builders of teachers behind an endpoint, of generations, and of their clients."""

import io
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
from tenacity import wait_none

from stillhouse.artifacts.store import StoreConfig
from stillhouse.completions.completion import DISCARDED
from stillhouse.completions.key import teacher_fingerprint
from stillhouse.inference.api.client import Client
from stillhouse.recipe.teacher import Teacher
from stillhouse.runtime.worker import Reporter
from stillhouse.skills.classification import Classification
from stillhouse.teachers.spec import GenerateSpec

KEY = "sk-Pr0jectSecret-1234567890"
LABELS = ("billing", "delivery")
ADDRESS = "http://127.0.0.1:9/v1"


def teacher(provider: str = "openai", address: str = ADDRESS, **fields: Any) -> Teacher:
    """A teacher behind an endpoint that gives up soon; `endpoint` changes its fields."""
    hasty = {"max_attempts": 3, "patience_s": 20.0, "segment_seconds": 0.05, "concurrency": 4, "serves": "test"}
    endpoint = {"provider": provider, "base_url": address, **hasty, **fields.pop("endpoint", {})}
    return Teacher.model_validate({"model": "served", "endpoint": endpoint, **fields})


def spec(folder: Path, teacher: Teacher, num_rows: int = 6, **fields: Any) -> GenerateSpec:
    """A generation over `num_rows` messages, each with one of its own."""
    rows = [
        {
            "id": f"r{n}",
            "content_sha256": f"{n:064}",
            "messages": [{"role": "user", "content": f"message {n}"}],
            "references": [],
        }
        for n in range(num_rows)
    ]
    types = pa.schema(
        [
            ("id", pa.string()),
            ("content_sha256", pa.string()),
            ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
            ("references", pa.list_(pa.string())),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=types), folder / "rows.parquet")
    (folder / "out").mkdir(exist_ok=True)
    assert teacher.endpoint
    identity = {"endpoint": teacher.endpoint.model_identity(teacher.model, teacher.revision)}
    return GenerateSpec(
        model_path=teacher.model,
        teacher=teacher,
        teacher_fingerprint=teacher_fingerprint(identity, "", "", {}),
        skill=Classification(labels=LABELS),
        labels=LABELS,
        rows=(str(folder / "rows.parquet"),),
        skip_labelled=True,
        examples=None,
        store=StoreConfig(url=str(folder / "store")),
        out=str(folder / "out"),
        **fields,
    )


def connect_over(socket: Path, **waits: Any) -> Any:
    """Return what makes a client that reaches its endpoint by a Unix socket; without `backoff` it never waits."""
    # no certificates are read, which takes longer than a request
    waits = waits or {"backoff": wait_none()}
    return lambda *parts: Client(*parts, **waits, transport=httpx2.AsyncHTTPTransport(uds=str(socket), verify=False))


class RecordingReporter(Reporter):
    """A reporter that keeps its events."""

    def __init__(self) -> None:
        self.pipe = io.StringIO()
        super().__init__(self.pipe, min_interval_s=0.0)

    @property
    def text(self) -> str:
        return self.pipe.getvalue()


def answers(folder: Path) -> dict[str, dict[str, Any]]:
    """The table that generation wrote, by row id."""
    return {line["row_id"]: line for line in pq.read_table(folder / "out" / "completions.parquet").to_pylist()}


def stored(folder: Path, *, is_discarded: bool = False) -> list[dict[str, Any]]:
    """All completions in the store, with repeats; or all replies that were thrown away."""
    found: list[dict[str, Any]] = []
    for segment in sorted((folder / "store" / "completions").rglob("*.parquet")):
        found += pq.read_table(segment).to_pylist()
    return [line for line in found if (line["finish_reason"] == DISCARDED) is is_discarded]
