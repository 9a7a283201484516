"""The file of one segment of completions: its columns, its version, and how a damaged one is told.

Footer and page checksums make a damaged segment unreadable, so it is never read in part.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhouse.artifacts.files import FileStore
from stillhouse.errors import ArtifactCorrupt, StoreError

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
# In a segment's footer. It grows with a change that older versions would misread; a further column is none, since they
# leave it out. Segments from before there was one are of version 1.
SEGMENT_VERSION = 1
_VERSION_KEY = b"stillhouse_segment_version"
_ROW_GROUP_ROWS = 8192


@contextmanager
def open_segment(store: FileStore, name: str) -> Iterator[pq.ParquetFile]:
    """Yield the segment at `name`.

    Raises:
        ArtifactCorrupt: it is damaged; raised while the block reads it, too.
        StoreError: it can't be read, or was written by a later version: asking again would pay twice.
    """
    with store.reading(name) as stream, _damage():
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        schema = file.schema_arrow
        _check_version(name, schema)
        for field in SEGMENT_SCHEMA:
            is_there = field.name in schema.names
            if not is_there and field.name not in _LATER_COLUMNS:
                raise pa.ArrowInvalid(f"it has no column {field.name}")
            if is_there and schema.field(field.name).type != field.type:
                raise pa.ArrowInvalid(f"its column {field.name} is {schema.field(field.name).type}")
        yield file


def _check_version(name: str, schema: pa.Schema) -> None:
    found = (schema.metadata or {}).get(_VERSION_KEY, b"1")
    if not found.isdigit():
        raise pa.ArrowInvalid(f"its version is {found!r}")
    if int(found) > SEGMENT_VERSION:
        raise StoreError(
            f"{name} holds completions in version {int(found)}, and this Stillhouse reads up to {SEGMENT_VERSION}. A "
            "later one wrote them: update this clone (git pull, make setup), or name another store."
        )


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
        table.replace_schema_metadata({_VERSION_KEY: str(SEGMENT_VERSION)}),
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
    except (pa.ArrowException, UnicodeDecodeError) as error:  # the second: names in the footer, which has no checksum
        raise ArtifactCorrupt(str(error)) from error
    except OSError as error:
        # Arrow reports damage as an OSError too, but without the number and kind that a failing disk or server gives
        if type(error) is not OSError or error.errno is not None:
            raise
        raise ArtifactCorrupt(str(error)) from error
