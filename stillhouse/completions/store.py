"""The store of completions: immutable Parquet segments below completions/<teacher>/, shared by all runs.

A segment is committed by one atomic write. Its checksums make a damaged one unreadable: it is skipped with a warning.
"""

import io
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhouse.artifacts.files import FileStore
from stillhouse.completions.completion import DISCARDED, Completion, without_reasoning
from stillhouse.errors import ArtifactCorrupt, StoreError

logger = logging.getLogger(__name__)

SEGMENT_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("k", pa.int32()),  # logprobs requested a token; a completion serves every request for at most as many
        ("finish_reason", pa.string()),
        ("text", pa.string()),
        ("prompt_tokens", pa.int32()),
        ("completion_tokens", pa.int32()),
        ("token_ids", pa.list_(pa.int32())),
        ("logprobs", pa.list_(pa.list_(pa.struct([("id", pa.int32()), ("logprob", pa.float32())])))),
        ("cumulative_logprob", pa.float64()),
        ("seconds", pa.float64()),
        ("created", pa.string()),
        ("reasoning", pa.string()),  # what a server handed over apart from the text
        ("cached_tokens", pa.int32()),
    ]
)
# segments written before there were these lack them, and have this in their place
_LATER_COLUMNS: dict[str, str | int] = {"reasoning": "", "cached_tokens": 0}
_KEY_COLUMNS = ["key", "k", "finish_reason"]
_ROW_GROUP_ROWS = 8192
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


@contextmanager
def open_segment(store: FileStore, name: str) -> Iterator[pq.ParquetFile]:
    """Yield the segment at `name`.

    Raises:
        ArtifactCorrupt: it is damaged; raised while the block reads it, too.
        StoreError: it can't be read.
    """
    with store.reading(name) as stream, _damage():
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        schema = file.schema_arrow
        for field in SEGMENT_SCHEMA:
            is_there = field.name in schema.names
            if not is_there and field.name not in _LATER_COLUMNS:
                raise pa.ArrowInvalid(f"it has no column {field.name}")
            if is_there and schema.field(field.name).type != field.type:
                raise pa.ArrowInvalid(f"its column {field.name} is {schema.field(field.name).type}")
        yield file


def known_columns(table: pa.Table) -> pa.Table:
    """Return rows of a segment with the columns of SEGMENT_SCHEMA: others are left out, missing ones are empty."""
    columns = {}
    for field in SEGMENT_SCHEMA:
        is_there = field.name in table.column_names
        column = table[field.name] if is_there else pa.nulls(len(table), field.type)
        # a join of older and newer segments has nulls there
        later = _LATER_COLUMNS.get(field.name)
        columns[field.name] = column if later is None else pc.fill_null(column, later)
    return pa.table(columns, schema=SEGMENT_SCHEMA)


def segment_bytes(table: pa.Table) -> bytes:
    """Return rows of `SEGMENT_SCHEMA` as a segment's file."""
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        row_group_size=_ROW_GROUP_ROWS,
        compression="zstd",
        use_dictionary=["k", "finish_reason", "text"],
        write_page_checksum=True,
    )
    return buffer.getvalue()


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        raise ArtifactCorrupt(str(error)) from error
    except OSError as error:
        # Arrow reports damage as an OSError too, but without the number and kind that a failing disk or server gives
        if type(error) is not OSError or error.errno is not None:
            raise
        raise ArtifactCorrupt(str(error)) from error


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
