"""What a teacher said about each token of a completion: the tokens that it found likely, and how likely.

In files these are a few numbers a token, never a whole distribution: what is not listed has the rest of the mass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_INT, _FLOAT = np.dtype("<i4"), np.dtype("<f4")
# less than this is no probability: servers write what a form rules out as -inf, or as a number like it
_IMPOSSIBLE = -100.0
_ROWS_OF_A_GROUP = 256


def tokens_path(rows: Path) -> Path:
    """Return the file of the numbers beside a file of training examples: train.logits.parquet for train.jsonl."""
    return rows.with_name(f"{rows.stem}.logits.parquet")


class TokenNumbers(NamedTuple):
    """The numbers of M tokens: the first `sizes[0]` of `ids` and `logprobs` are of the first token, and so on."""

    token_ids: Any  # int32 [M]: what the teacher wrote
    sizes: Any  # int32 [M], each at least 1
    ids: Any  # int32 [sum of sizes], of a token the likeliest first
    logprobs: Any  # float32 [sum of sizes], nats

    def to_bytes(self) -> bytes:
        """Return all as bytes."""
        head = np.array([len(self.token_ids), len(self.ids)], _INT)
        return b"".join(part.tobytes() for part in (head, *self))

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return what `to_bytes` was made of."""
        num_tokens, num_ids = np.frombuffer(content, _INT, 2).tolist()
        ends = 8 + 4 * np.cumsum([0, num_tokens, num_tokens, num_ids, num_ids])
        kinds = (_INT, _INT, _INT, _FLOAT)
        parts = [
            np.frombuffer(content, kind, (end - start) // 4, start)
            for kind, start, end in zip(kinds, ends.tolist(), ends[1:].tolist(), strict=False)
        ]
        return cls(*parts)


class TokenLine(NamedTuple):
    """The numbers behind one training example, and which one it is."""

    line: int  # of the file of training examples, from 0
    id: str
    teacher_number: int | None  # from 1; None: there is one teacher
    rollout_index: int
    numbers: TokenNumbers


TOKEN_SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        ("id", pa.string()),
        ("teacher_number", pa.int32()),
        ("rollout_index", pa.int32()),
        ("token_ids", pa.list_(pa.int32())),
        ("sizes", pa.list_(pa.int32())),
        ("ids", pa.list_(pa.int32())),
        ("logprobs", pa.list_(pa.float32())),
    ]
)


def top_numbers(token_ids: Sequence[int], logprobs: Sequence[Mapping[int, float]], k: int) -> TokenNumbers | None:
    """Return the `k` likeliest tokens at each position of a completion; None if there is not a number for each."""
    if not token_ids or len(logprobs) < len(token_ids):
        return None
    steps = [_likeliest(step, k) for step in logprobs[: len(token_ids)]]
    if not all(steps):
        return None
    pairs = [pair for step in steps for pair in step]
    return TokenNumbers(
        np.array(token_ids, _INT),
        np.array([len(step) for step in steps], _INT),
        np.array([id_ for id_, _ in pairs], _INT),
        np.array([logprob for _, logprob in pairs], _FLOAT),
    )


def _likeliest(step: Mapping[int, float], k: int) -> list[tuple[int, float]]:
    possible = [(id_, min(logprob, 0.0)) for id_, logprob in step.items() if _IMPOSSIBLE < logprob < math.inf]
    # of equal ones the order is that of their ids, whatever the engine's was
    return sorted(possible, key=lambda pair: (-pair[1], pair[0]))[:k]


def write_token_lines(lines: Iterable[TokenLine], path: Path) -> tuple[int, int]:
    """Write the lines to a Parquet file, and return how many there are and of how many tokens."""
    num_lines = num_tokens = 0
    # bytes of one place in all numbers stand together: exponents and high bytes are nearly all alike
    split = [f"{name}.list.element" for name in ("token_ids", "sizes", "ids", "logprobs")]
    options = {"compression": "zstd", "use_dictionary": False, "use_byte_stream_split": split}
    with pq.ParquetWriter(path, TOKEN_SCHEMA, **options) as file:
        for group in _groups(lines):
            num_lines += len(group)
            num_tokens += sum(len(line.numbers.token_ids) for line in group)
            file.write_table(_table(group))
    return num_lines, num_tokens


def read_token_lines(path: Path) -> Iterator[TokenLine]:
    """Yield the lines of a file in their order; no more than a group of them is in memory."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            columns = file.read_row_group(group)
            lists = [_arrays(columns[name]) for name in TokenNumbers._fields]
            heads = [columns[name].to_pylist() for name in TokenLine._fields[:-1]]
            for line, row_id, teacher, rollout, numbers in zip(*heads, zip(*lists, strict=True), strict=True):
                yield TokenLine(line, row_id, teacher, rollout, TokenNumbers(*numbers))


def _groups(lines: Iterable[TokenLine]) -> Iterator[list[TokenLine]]:
    group: list[TokenLine] = []
    for line in lines:
        group.append(line)
        if len(group) == _ROWS_OF_A_GROUP:
            yield group
            group = []
    if group:
        yield group


def _table(group: Sequence[TokenLine]) -> pa.Table:
    columns = [pa.array([line[place] for line in group], TOKEN_SCHEMA.field(place).type) for place in range(4)]
    for name in TokenNumbers._fields:
        parts = [getattr(line.numbers, name) for line in group]
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.int32)
        columns.append(pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(parts))))
    return pa.Table.from_arrays(columns, schema=TOKEN_SCHEMA)


def _arrays(column: pa.ChunkedArray) -> list[Any]:
    lists = column.combine_chunks()
    offsets, values = lists.offsets.to_numpy(), lists.values.to_numpy()
    return [values[start:end] for start, end in pairwise(offsets.tolist())]
