from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api.requests import KEY
from tests.support.api.server import Serve, serving_on_demand


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start an endpoint that answers as it is told, on a Unix socket; its key is set."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving_on_demand(tmp_path, monkeypatch) as start:
        yield start
