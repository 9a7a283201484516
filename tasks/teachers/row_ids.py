"""A file that names rows: which of them a teacher is to be asked about.

Separate because the stages that route write it, and the workers of both environments read it.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def write_row_ids(ids: Sequence[str], folder: Path) -> None:
    """Write prompts.parquet into `folder`, one line an id, in order."""
    pq.write_table(pa.table({"row_id": pa.array(ids, pa.string())}), folder / "prompts.parquet")


def read_row_ids(path: str | Path) -> set[str]:
    """Return the ids that the file at `path` names."""
    return set(pq.read_table(path)["row_id"].to_pylist())
