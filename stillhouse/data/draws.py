"""The numbers by which rows are drawn into splits, under caps and into groups."""

import pyarrow as pa
import pyarrow.compute as pc

from stillhouse.data.duplicates import digest_keys
from stillhouse.data.parquet_io import conversations
from stillhouse.data.row import draw_digest, draw_digests
from stillhouse.data.token_table import Hashes


def draw_keys(batch: pa.RecordBatch) -> Hashes:
    """Return two numbers a row of `batch`, made of its turns: shape (rows, 2)."""
    column = batch.column("messages")
    turns = column.flatten()
    is_usual = len(turns) == batch.num_rows and turns.field("tool_calls").null_count == len(turns)
    lengths, roles = pc.list_value_length(column), turns.field("role")
    if is_usual and pc.all(pc.equal(lengths, 1)).as_py() and pc.all(pc.equal(roles, "user")).as_py():
        return digest_keys(b"".join(draw_digests(turns.field("content").to_pylist())))
    return digest_keys(b"".join([draw_digest(turns) for turns in conversations(batch)]))
