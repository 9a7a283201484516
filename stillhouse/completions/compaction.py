"""Joins small segments of stored completions, so that a lookup reads few files.

Nothing else rewrites a segment. A kill at any moment is harmless: the joined segment is written whole
before the first of its parts is removed, and until then both hold the same completions.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.artifacts.files import FileStore
from stillhouse.completions.segment import open_segment, segment_bytes
from stillhouse.errors import ArtifactCorrupt, StoreError

T = TypeVar("T")

TARGET_BYTES = 256 * 2**20  # of a joined segment's columns in memory; on disk it is a fraction of that
_FOLDER = "completions"


@dataclass(frozen=True)
class Compaction:
    """The effect of a compaction on one teacher's segments."""

    teacher: str  # fingerprint
    segments_before: int
    segments_after: int
    repeated: int  # completions that no request can get, since an earlier one serves it


def teachers_of(store: FileStore) -> list[str]:
    """Return the fingerprints of the teachers with stored completions, sorted.

    Raises:
        StoreError: the store can't be read.
    """
    return sorted({key.split("/")[1] for key in store.list(_FOLDER)})


def compact(store: FileStore, teacher: str, target_bytes: int = TARGET_BYTES) -> Compaction:
    """Join neighbouring small segments of a teacher; every request gets the same completion as before.

    Runs may go on meanwhile. Damaged segments stay where they are.

    Raises:
        StoreError: the store can't be read or written; no completion is lost then.
    """
    before = [name for name in store.list(f"{_FOLDER}/{teacher}") if name.endswith(".parquet")]
    joined = removed = repeated = 0
    for names in _groups(store, before, target_bytes):
        tables = [table for name in names if (table := _read(store, name, pq.ParquetFile.read)) is not None]
        if len(tables) < len(names):
            continue  # its pages are damaged, or another compaction has taken it
        # columns that this version does not know are kept as they are
        rows = pa.concat_tables(tables, promote_options="default")
        kept = rows.take(_served(rows))
        # a key gets the first completion by segment name: the joined segment sorts where its first part did
        store.put_bytes(_name_beside(names[0]), segment_bytes(kept))
        for name in names:
            store.delete(name)
        joined, removed, repeated = joined + 1, removed + len(names), repeated + len(rows) - len(kept)
    return Compaction(teacher, len(before), len(before) - removed + joined, repeated)


def _groups(store: FileStore, names: list[str], target_bytes: int) -> Iterator[list[str]]:
    """Yield runs of at least two neighbours that together stay below the target."""
    group: list[str] = []
    group_bytes = 0
    for name in names:
        size = _read(store, name, _bytes_in_memory)
        is_small = size is not None and size < target_bytes // 2
        if not is_small or group_bytes + (size or 0) > target_bytes:
            if len(group) > 1:
                yield group
            group, group_bytes = [], 0
        if is_small:
            group.append(name)
            group_bytes += size or 0
    if len(group) > 1:
        yield group


def _bytes_in_memory(file: pq.ParquetFile) -> int:
    return sum(file.metadata.row_group(n).total_byte_size for n in range(file.num_row_groups))


def _read(store: FileStore, name: str, read: Callable[[pq.ParquetFile], T]) -> T | None:
    """Return what `read` makes of a segment; None if it is damaged or another compaction has removed it."""
    try:
        with open_segment(store, name) as file:
            return read(file)
    except ArtifactCorrupt:
        return None
    except StoreError:
        if store.exists(name):
            raise
        return None


def _served(rows: pa.Table) -> list[int]:
    """Return the rows that some request can get: those with more logprobs than all earlier rows of the same key.

    Failed completions serve no request; they are kept as the record of what was tried.
    """
    most: dict[str, int] = {}
    kept = []
    columns = (rows[name].to_pylist() for name in ("key", "k", "finish_reason"))
    for number, (key, k, reason) in enumerate(zip(*columns, strict=True)):
        if reason.startswith("error"):
            kept.append(number)
        elif k > most.get(key, -1):
            most[key] = k
            kept.append(number)
    return kept


def _name_beside(first: str) -> str:
    return f"{first.rpartition('-')[0]}-{uuid.uuid4().hex}.parquet"
