"""The table of completions that generation writes: one line a row and rollout, in the rows' order.

It holds nothing that differs from one run to the next (no times): the same completions make the same bytes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.completions.completion import Completion

Lines = Mapping[str, Sequence[dict[str, Any]]]  # lines of the table by row id

ANSWER_SCHEMA = pa.schema(
    [
        ("row_id", pa.string()),
        ("sample_index", pa.int32()),
        ("key", pa.string()),
        ("text", pa.string()),  # the answer, without the reasoning before it
        ("reasoning", pa.string()),
        ("finish_reason", pa.string()),
        ("prompt_tokens", pa.int32()),
        ("completion_tokens", pa.int32()),
        ("cumulative_logprob", pa.float64()),
        ("label_scores", pa.list_(pa.float64())),  # log-probability of each label's first token, in label order
        ("teacher", pa.string()),
    ]
)
_COMPLETION_FIELDS = [name for name in ANSWER_SCHEMA.names if name in Completion.model_fields]
# the completions of several teachers, one teacher's table after the other's
MIXED_SCHEMA = ANSWER_SCHEMA.append(pa.field("teacher_number", pa.int32()))

# the score of a label that the engine's constraint ruled out
_FLOOR = -100.0


def label_scores(logprobs: Sequence[Mapping[int, float]], label_tokens: list[int] | None) -> list[float] | None:
    """Return the log-probability of each label's first token (nats), or None if they were not requested."""
    if label_tokens is None or not logprobs:
        return None
    return [max(logprobs[0].get(token, _FLOOR), _FLOOR) for token in label_tokens]


def read_answers(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of the table by row id, teacher by teacher and then by rollout."""
    return lines_by_row(pq.read_table(path))


def lines_by_row(table: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of a table in memory by row id, in the table's order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in table.to_pylist():
        found[line["row_id"]].append(line)
    return dict(found)


def line_of(completion: Completion, label_tokens: list[int] | None) -> dict[str, Any]:
    """Return a completion as a line of the table, without the fields of its slot but the key."""
    fields = {name: getattr(completion, name) for name in _COMPLETION_FIELDS}
    return {**fields, "label_scores": label_scores(completion.logprobs, label_tokens)}


def completion_of(line: dict[str, Any]) -> Completion:
    """Return a line as a completion, as the filters judge it."""
    number = line.get("teacher_number")
    fields = {name: line[name] for name in _COMPLETION_FIELDS if name != "reasoning"}
    fields["reasoning"] = line.get("reasoning") or ""
    return Completion(**fields, seconds=0.0, created="", teacher_number=number)


def mixed(tables: Mapping[int, Path]) -> pa.Table:
    """Return the tables of several teachers as one, in the order of the teachers' numbers (from 1)."""
    parts = [MIXED_SCHEMA.empty_table()]
    for number in sorted(tables):
        answers = pq.read_table(tables[number], schema=ANSWER_SCHEMA)
        numbers = pa.repeat(pa.scalar(number, pa.int32()), len(answers))
        parts.append(answers.append_column(MIXED_SCHEMA.field("teacher_number"), numbers))
    return pa.concat_tables(parts).combine_chunks()
