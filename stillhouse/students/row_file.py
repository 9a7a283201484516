"""Rows of token ids in a file that is mapped into memory: a training holds no more of them than a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

_ROWS_OF_A_BATCH = 1000


def keep_on_disk(rows: Iterable[dict[str, list[int]]], path: Path) -> Any:
    """Write the rows to `path` one batch after the other, and return them as a `datasets.Dataset` over that file.

    A list of no rows is returned as it is: a file must say what its columns are.
    """
    import pyarrow as pa
    from datasets import Dataset

    batches = _batches(rows)
    first = next(batches, None)
    if first is None:
        return []
    schema = pa.schema([(name, pa.list_(pa.int64())) for name in first])
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as writer:
        writer.write_table(pa.table(first, schema=schema))
        for batch in batches:
            writer.write_table(pa.table(batch, schema=schema))
    return Dataset.from_file(str(path))


def _batches(rows: Iterable[dict[str, list[int]]]) -> Iterator[dict[str, list[list[int]]]]:
    left = iter(rows)
    while batch := list(islice(left, _ROWS_OF_A_BATCH)):
        yield {name: [row[name] for row in batch] for name in batch[0]}
