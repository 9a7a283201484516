"""The table of answers that generation hands on: one line a row and sample, in the rows' order.

Separate because it is written in one environment and read in the other. It holds nothing that differs from one run
to the next (no times): the same answers make the same bytes.
"""

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.teachers.completion import Completion

ANSWER_SCHEMA = pa.schema(
    [
        ("row_id", pa.string()),
        ("sample_index", pa.int32()),
        ("key", pa.string()),
        ("text", pa.string()),
        ("finish_reason", pa.string()),
        ("prompt_tokens", pa.int32()),
        ("completion_tokens", pa.int32()),
        ("cumulative_logprob", pa.float64()),
        ("label_scores", pa.list_(pa.float64())),  # log-probability of each label's first token, in label order
        ("teacher", pa.string()),
    ]
)

# what a label gets that the engine's constraint ruled out
_FLOOR = -100.0


def label_scores(completion: Completion, label_tokens: list[int] | None) -> list[float] | None:
    """Return the log-probability of each label's first token (nats), or None where they were not asked."""
    if label_tokens is None or not completion.logprobs:
        return None
    first = completion.logprobs[0]
    scores = [first.get(token, -math.inf) for token in label_tokens]
    return [max(score, _FLOOR) for score in scores]


def answer_row(row_id: str, index: int, completion: Completion, scores: list[float] | None) -> dict[str, Any]:
    """Return one line of the table."""
    plain = completion.model_dump(include=set(ANSWER_SCHEMA.names))
    return {**plain, "row_id": row_id, "sample_index": index, "label_scores": scores}


def read_answers(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of the table by row id, in the order of their sample index."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in pq.read_table(path).to_pylist():
        found[line["row_id"]].append(line)
    return dict(found)


def completion_of(line: dict[str, Any]) -> Completion:
    """Return a line as a completion, as the filters judge it."""
    fields = ("key", "text", "finish_reason", "prompt_tokens", "completion_tokens", "cumulative_logprob", "teacher")
    return Completion(**{name: line[name] for name in fields}, seconds=0.0, created="")
