"""The numbers by which rows are drawn into splits, under caps and into groups."""

from collections.abc import Iterable

import pyarrow as pa

from stillhouse.data.duplicates import digest_keys
from stillhouse.data.parquet_io import conversations
from stillhouse.data.row import draw_digest
from stillhouse.data.row_texts import Turns
from stillhouse.data.token_table import Hashes


def draw_keys(batch: pa.RecordBatch) -> Hashes:
    """Return two numbers a row of `batch`, made of its turns: shape (rows, 2)."""
    return keys_of(conversations(batch))


def keys_of(dialogues: Iterable[Turns]) -> Hashes:
    """Return two numbers for each dialogue: shape (dialogues, 2)."""
    return digest_keys(b"".join([draw_digest(turns) for turns in dialogues]))
