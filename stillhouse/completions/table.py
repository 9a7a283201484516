"""The table of completions that generation writes: one line a row and rollout, in the rows' order.

It holds nothing that differs from one run to the next (no times): the same completions make the same bytes.
"""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

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
        ("answer_logprob", pa.float64()),  # of the answer's own tokens, if their ids are known; nats
        ("answer_tokens", pa.int32()),
        ("is_closed", pa.bool_()),
        ("label_scores", pa.list_(pa.float64())),  # log-probability of each label's first token, in label order
        ("teacher", pa.string()),
    ]
)
_COMPLETION_FIELDS = [name for name in ANSWER_SCHEMA.names if name in Completion.model_fields]
# the completions of several teachers, one teacher's table after the other's
MIXED_SCHEMA = ANSWER_SCHEMA.append(pa.field("teacher_number", pa.int32()))

# by these a completion that comes is kept, of which there may be millions: a dictionary of each takes twice the time
_SCORE_FIELDS = ("cumulative_logprob", "answer_logprob", "answer_tokens")
_PLAIN_FIELDS = ("text", "reasoning", "finish_reason", "prompt_tokens", "completion_tokens")
VALUE_FIELDS = (*_PLAIN_FIELDS, *_SCORE_FIELDS, "is_closed", "label_scores")
_plain_values = attrgetter(*_PLAIN_FIELDS)

# the score of a label that the engine's constraint ruled out
_FLOOR = -100.0


class AnswerForm(NamedTuple):
    """What is known of a teacher's answers beside their text."""

    label_token_ids: list[int] | None = None  # the first token of each label, if their scores are kept
    special_token_ids: frozenset[int] = frozenset()  # they end or frame an answer and are no part of it
    reasoning_end_ids: frozenset[int] = frozenset()  # an answer that was reasoned about begins after the last of these
    is_closed: bool = False  # decoding allows one of a fixed set of texts only


FREE_TEXT = AnswerForm()


def label_scores(logprobs: Sequence[Mapping[int, float]], label_tokens: list[int] | None) -> list[float] | None:
    """Return the log-probability of each label's first token (nats), or None if they were not requested."""
    if label_tokens is None or not logprobs:
        return None
    first = logprobs[0]
    return [score if (score := first.get(token, _FLOOR)) > _FLOOR else _FLOOR for token in label_tokens]


def read_answers(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of the table by row id, teacher by teacher and then by rollout."""
    return lines_by_row(pq.read_table(path))


def lines_by_row(table: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of a table in memory by row id, in the table's order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in table.to_pylist():
        found[line["row_id"]].append(line)
    return dict(found)


def line_of(completion: Completion, form: AnswerForm) -> dict[str, Any]:
    """Return a completion as a line of the table, without the fields of its slot but the key."""
    fields = {name: getattr(completion, name) for name in _COMPLETION_FIELDS}
    scores = label_scores(completion.logprobs, form.label_token_ids)
    return {**fields, **answer_score(completion, form), "label_scores": scores}


def values_of(completion: Completion, form: AnswerForm) -> tuple[Any, ...]:
    """Return the values of VALUE_FIELDS in the completion's line, in their order."""
    scores = label_scores(completion.logprobs, form.label_token_ids)
    return *_plain_values(completion), *_own_score(completion, form), form.is_closed, scores


def answer_score(completion: Completion, form: AnswerForm) -> dict[str, Any]:
    """Return the fields of a completion that say how probable its answer's own tokens are, as far as it is known."""
    return {"is_closed": form.is_closed, **dict(zip(_SCORE_FIELDS, _own_score(completion, form), strict=True))}


def _own_score(completion: Completion, form: AnswerForm) -> tuple[float | None, float | None, int | None]:
    """Return the _SCORE_FIELDS of a completion: of all its tokens (nats), of its answer's, and how many these are."""
    tokens, scores = completion.token_ids, completion.logprobs
    found = completion.cumulative_logprob, completion.answer_logprob, completion.answer_tokens
    if not tokens or len(scores) < len(tokens):
        return found
    start = 0
    if completion.reasoning:
        ends = [place for place, token in enumerate(tokens, start=1) if token in form.reasoning_end_ids]
        if not ends:
            return None, *found[1:]  # of the reasoning for the most part
        start = ends[-1]
    special = form.special_token_ids
    steps = zip(tokens[start:], scores[start:], strict=False)
    own = [of_token.get(token) for token, of_token in steps if token not in special]
    known = [logprob for logprob in own if logprob is not None]
    if not known or len(known) < len(own):
        return found
    # the store keeps 32 bits of each: a stored completion and a new one must give one line
    return found[0], sum(array("f", known)), len(known)


def completion_of(line: dict[str, Any]) -> Completion:
    """Return a line as a completion, as the filters judge it."""
    number = line.get("teacher_number")
    fields = {name: line[name] for name in _COMPLETION_FIELDS if line.get(name) is not None}
    return Completion(**fields, seconds=0.0, created="", teacher_number=number)


def mixed(tables: Mapping[int, Path]) -> pa.Table:
    """Return the tables of several teachers as one, in the order of the teachers' numbers (from 1)."""
    parts = [MIXED_SCHEMA.empty_table()]
    for number in sorted(tables):
        answers = pq.read_table(tables[number], schema=ANSWER_SCHEMA)
        numbers = pa.repeat(pa.scalar(number, pa.int32()), len(answers))
        parts.append(answers.append_column(MIXED_SCHEMA.field("teacher_number"), numbers))
    return pa.concat_tables(parts).combine_chunks()
