import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data import turns
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.split import SPLITS, split
from stillhouse.data.validate import validate
from stillhouse.recipe.data import Columns, Data, Source
from stillhouse.skills.classification import Classification
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


@pytest.fixture
def split_rows(tmp_path: Path, read_rows: Any, read_back: Any, data: Data) -> Callable[..., Any]:
    """Return a function that validates and splits, and gives the summary and the ids of each split."""

    def run(
        data: Data = data,
        skip_validate: bool = False,
        skill: Classification = Classification(),  # noqa: B008 - it is frozen
        **sources: list[dict[str, Any]],
    ) -> Any:
        folders = {role: read_rows(records, role) for role, records in sources.items()}
        if skip_validate:
            rows = folders["train"]
        else:
            rows = tmp_path / "validated"
            validate(folders, data, skill, rows)
        has_groups = any("group" in record for records in sources.values() for record in records)
        summary = split(rows, data, "test" in sources, tmp_path / "split", has_groups=has_groups)
        names = {
            split_name: [row["id"] for row in read_back(tmp_path / "split" / f"{split_name}.parquet")]
            for split_name in (*SPLITS, "dropped")
        }
        return summary, names

    return run
