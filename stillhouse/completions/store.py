"""The store of completions: immutable Parquet segments below completions/<teacher>/, shared by all runs.

A segment is committed by one atomic write. Its checksums make a damaged one unreadable: it is skipped with a warning.
"""

import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhouse.artifacts.files import FileStore
from stillhouse.completions.completion import DISCARDED, Completion, without_reasoning
from stillhouse.completions.segment import SEGMENT_SCHEMA, known_columns, open_segment, segment_bytes
from stillhouse.errors import ArtifactCorrupt, StoreError

logger = logging.getLogger(__name__)

_KEY_COLUMNS = ["key", "k", "finish_reason"]
_READ_AHEAD = 8  # segments read at once: hides the round trips of a remote store, bounds the memory


class CompletionStore:
    """The completions of one teacher."""

    def __init__(self, store: FileStore, teacher: str):
        self._store = store
        self._teacher = teacher
        self._folder = f"completions/{teacher}"
        self._listed: set[str] = set()  # segments that were there at the last look

    def stream(
        self,
        keys: Iterable[str],
        min_logprobs: int,
        on_discarded: Callable[[Completion], None] = lambda _: None,
        *,
        since_last: bool = False,
    ) -> Iterator[Completion]:
        """Yield the stored completion of each of `keys` that has one with at least `min_logprobs` logprobs a token.

        A segment keeps what the model wrote; here its reasoning is apart from its text. Failed completions are left
        out; `on_discarded` is called once for each reply to one of `keys` that was paid for and thrown away. If a key
        has several completions, the one in the first segment by name is yielded, whoever wrote it. `since_last` looks
        into those segments alone that were not there at the last call.

        Raises:
            StoreError: the store can't be read.
        """
        wanted = set(keys)
        known = frozenset(self._listed) if since_last else frozenset()
        discarded: dict[tuple[str, str], Completion] = {}  # a segment may be read twice, and stands beside its join
        while wanted:
            try:
                for completion in self._serve(wanted, min_logprobs, known):
                    if not completion.is_discarded:
                        yield completion
                    elif discarded.setdefault((completion.key, completion.created), completion) is completion:
                        on_discarded(completion)
            except _SegmentGone:
                continue
            return

    def _serve(self, wanted: set[str], min_logprobs: int, known: frozenset[str]) -> Iterator[Completion]:
        """Yield stored completions of `wanted` and take their keys out of it; discarded replies stand before them."""
        for table in self._tables(lambda file: _matching(file, wanted, min_logprobs), known):
            for row, logprobs in zip(_rows(table), _logprobs(table), strict=True):
                if row["key"] in wanted:  # segments are read ahead: an earlier one may have served it since
                    if row["finish_reason"] != DISCARDED:
                        wanted.discard(row["key"])
                    yield without_reasoning(Completion(teacher=self._teacher, logprobs=logprobs, **row))
            if not wanted:
                return

    def append(self, completions: list[Completion], logprobs: int) -> str:
        """Commit one segment of completions, requested with `logprobs` logprobs a token, and return its name.

        Raises:
            StoreError: it can't be written; nothing of it is visible then.
            ValueError: there are no completions, or some are another teacher's.
        """
        if not completions or any(completion.teacher != self._teacher for completion in completions):
            raise ValueError(f"a segment of {self._folder} holds at least one completion, all of this teacher")
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{uuid.uuid4().hex}.parquet"
        self._store.put_bytes(f"{self._folder}/{name}", segment_bytes(_table(completions, logprobs)))
        return name

    def _tables(self, read: Callable[[pq.ParquetFile], pa.Table], known: frozenset[str]) -> Iterator[pa.Table]:
        """Yield what `read` makes of each undamaged segment that is not `known`, in the order of their names."""
        self._listed = {name for name in self._store.list(self._folder) if name.endswith(".parquet")}
        with ThreadPoolExecutor(_READ_AHEAD) as pool:
            names = iter(sorted(self._listed - known))
            pending = deque(pool.submit(self._read, name, read) for name in islice(names, _READ_AHEAD))
            while pending:
                if (table := pending.popleft().result()) is not None:
                    yield table
                pending.extend(pool.submit(self._read, name, read) for name in islice(names, 1))

    def _read(self, name: str, read: Callable[[pq.ParquetFile], pa.Table]) -> pa.Table | None:
        try:
            with open_segment(self._store, name) as file:
                return read(file)
        except ArtifactCorrupt as error:
            logger.warning("segment %s is damaged and skipped, its completions count as not stored: %s", name, error)
            return None
        except StoreError as error:
            if self._store.exists(name):
                raise
            raise _SegmentGone(name) from error


class _SegmentGone(Exception):
    """A compaction removed a listed segment; its completions are in a new one."""


def _matching(file: pq.ParquetFile, wanted: set[str], min_logprobs: int) -> pa.Table:
    """Return completions and discarded replies of `wanted`; reads key columns, and only groups with a hit in full."""
    tables = [SEGMENT_SCHEMA.empty_table()]
    for group in range(file.num_row_groups):
        index = file.read_row_group(group, columns=_KEY_COLUMNS)
        failed = pc.starts_with(index["finish_reason"], "error")
        enough = pc.and_(pc.greater_equal(index["k"], min_logprobs), pc.invert(failed))
        usable = pc.or_(enough, pc.equal(index["finish_reason"], DISCARDED)).to_pylist()
        hits = [n for n, key in enumerate(index["key"].to_pylist()) if usable[n] and key in wanted]
        if hits:
            tables.append(known_columns(file.read_row_group(group).take(hits)))
    return pa.concat_tables(tables)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.drop_columns(["k", "logprobs"]).to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def _logprobs(table: pa.Table) -> Iterator[tuple[dict[int, float], ...]]:
    """Yield each row's logprobs; from flat columns, since Python objects for lists and pairs take twice as long."""
    for rows in table["logprobs"].chunks:
        for start in range(0, len(rows), 1024):
            batch = rows.slice(start, 1024)
            tokens = batch.flatten()
            ids, values = tokens.flatten().flatten()
            pairs = zip(ids.to_pylist(), values.to_pylist(), strict=True)
            sizes = iter(pc.list_value_length(tokens).to_pylist())
            for number in pc.list_value_length(batch).to_pylist():
                yield tuple(dict(islice(pairs, size)) for size in islice(sizes, number))


def _table(completions: list[Completion], logprobs: int) -> pa.Table:
    rows = []
    for completion in completions:
        row = completion.model_dump(exclude={"teacher", "logprobs"})
        tokens = [[{"id": id, "logprob": value} for id, value in token.items()] for token in completion.logprobs]
        rows.append({**row, "k": logprobs, "logprobs": tokens})
    return pa.Table.from_pylist(rows, schema=SEGMENT_SCHEMA)
