import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data import turns
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.recipe.data import Columns, Data, Source
from tests.support.paths import SHARED_DATA

COLUMNS = Columns(text="text", label="label", id="id")


@pytest.fixture
def shared() -> Path:
    folder = SHARED_DATA
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not at {folder}")
    return folder


@pytest.fixture
def read_back() -> Callable[..., Any]:
    return turns.read_rows


@pytest.fixture
def read_rows(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes records as JSONL, reads them as `role`, and returns the artifact's folder."""

    def run(records: list[dict[str, Any]], role: str = "train") -> Path:
        path = tmp_path / f"{role}.jsonl"
        filled = [{"id": f"{role}-{at}", "label": None, **record} for at, record in enumerate(records)]
        path.write_text("".join(json.dumps(record) + "\n" for record in filled))
        by_text = all("text" in record for record in records)
        columns = COLUMNS if by_text else Columns(messages="messages", label="label", id="id")
        if any("group" in record for record in records):
            columns = columns.model_copy(update={"group": "group"})
        source = Source(path=str(path), columns=columns)
        read(source, resolve(source), role, tmp_path / f"read-{role}")  # type: ignore[arg-type]
        return tmp_path / f"read-{role}"

    return run


@pytest.fixture
def data() -> Data:
    return Data(train=Source(path="train.jsonl", columns=COLUMNS))
