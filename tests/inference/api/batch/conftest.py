"""A batch API behind a Unix socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api.batch_server import BatchServer, serving_batches
from tests.support.api.requests import KEY


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)  # a Unix socket's path must be short
    with serving_batches(Path("socket")) as running:
        yield running
