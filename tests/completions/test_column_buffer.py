import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import Completion, CompletionSlot
from stillhouse.completions.table import ANSWER_SCHEMA, FREE_TEXT, AnswerForm, label_scores

LABELS = [3, 5]
SPECIAL = 2
FORM = AnswerForm(LABELS, frozenset({SPECIAL}), is_closed=True)


def line(row_id: str, index: int, answer: Completion) -> dict[str, Any]:
    """One line of the table, by its definition."""
    plain = answer.model_dump(include=set(ANSWER_SCHEMA.names))
    plain |= {"row_id": row_id, "sample_index": index, "label_scores": label_scores(answer.logprobs, LABELS)}
    own = answer.logprobs[0].get(answer.token_ids[0]) if answer.logprobs and answer.token_ids[0] != SPECIAL else None
    return {**plain, "is_closed": True, "answer_logprob": own, "answer_tokens": None if own is None else 1}


def completion(key: str, n: int = 0) -> Completion:
    return Completion(
        key=key,
        text=f"answer {n}",
        finish_reason="stop" if n % 3 else "length",
        prompt_tokens=n,
        completion_tokens=2,
        token_ids=(n, 2),
        logprobs=({3: -0.5, 5: -float(n)}, {2: 0.0}) if n % 4 else (),
        cumulative_logprob=-0.5 if n % 5 else None,
        seconds=0.1,
        teacher="t" * 64,
        created="2026-01-01T00:00:00+00:00",
    )


@pytest.mark.pitfall("join")
@pytest.mark.parametrize("number", [1, 4096, 10_001])
def test_write_is_byte_for_byte_the_table_of_all_rows_at_once(tmp_path: Path, number: int) -> None:
    answers = {f"k{n}": completion(f"k{n}", n) for n in range(number)}
    # rows with equal prompts share a completion
    slots = [CompletionSlot(f"row {n}", n % 2, f"k{n // 2}") for n in range(number)]
    plain = [line(row, index, answers[key]) for row, index, key in slots]
    pq.write_table(pa.Table.from_pylist(plain, schema=ANSWER_SCHEMA), tmp_path / "plain")

    gathered = CompletionBuffer(answers, FORM)
    for answer in random.Random(0).sample(list(answers.values()), number):
        gathered.add(answer)
    assert "k0" in gathered
    gathered.write(slots, tmp_path / "gathered")

    assert (tmp_path / "gathered").read_bytes() == (tmp_path / "plain").read_bytes()


def test_write_without_slots_is_an_empty_table(tmp_path: Path) -> None:
    CompletionBuffer([], FREE_TEXT).write([], tmp_path / "gathered")
    pq.write_table(pa.Table.from_pylist([], schema=ANSWER_SCHEMA), tmp_path / "plain")
    assert (tmp_path / "gathered").read_bytes() == (tmp_path / "plain").read_bytes()


@pytest.mark.pitfall("none rows")
def test_write_slot_without_a_completion_is_an_error(tmp_path: Path) -> None:
    gathered = CompletionBuffer(["a", "b"], FREE_TEXT)
    gathered.add(completion("a"))
    assert "b" not in gathered
    with pytest.raises(KeyError, match="b"):
        gathered.write([CompletionSlot("row", 0, "b")], tmp_path / "gathered")
    assert not (tmp_path / "gathered").exists()
