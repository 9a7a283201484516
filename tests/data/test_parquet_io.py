import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stillhouse.data.parquet_io import RowBuffer, TableWriter, batches
from stillhouse.data.parquet_records import parquet_records
from stillhouse.data.turns import stream_rows

GROUPS, ROWS, CHARS = 20, 100, 4000


@pytest.mark.parametrize("read", [batches, stream_rows, lambda path: parquet_records(str(path), None)])
def test_reading_a_file_holds_no_more_than_a_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], Iterable[Any]]
) -> None:
    for name in ("parquet_io.BATCH_ROWS", "turns._BATCH_ROWS", "parquet_records._BATCH"):
        monkeypatch.setattr(f"stillhouse.data.{name}", ROWS)
    path, rng, buffer = tmp_path / "rows.parquet", random.Random(0), RowBuffer("train")
    with TableWriter(path) as table:
        for number in range(GROUPS * ROWS):
            turns = [{"role": "user", "content": rng.randbytes(CHARS // 2).hex()}]
            buffer.add((f"{number}", f"{number:064}", turns, [], None, "{}", None))
            if len(buffer) == ROWS:
                table.write(buffer.take())
    before = most = pa.total_allocated_bytes()
    for _ in read(path):
        most = max(most, pa.total_allocated_bytes())
    assert path.stat().st_size > GROUPS * ROWS * CHARS / 2
    assert most - before < path.stat().st_size / 3
