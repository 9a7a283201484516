import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
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


def test_write_of_many_groups_gives_each_slot_its_completion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillhouse.completions.column_buffer._BATCH", 8)
    monkeypatch.setattr("stillhouse.completions.column_buffer._GROUP_ROWS", 20)
    answers = {f"k{n}": completion(f"k{n}", n) for n in range(101)}
    slots = [CompletionSlot(f"row {n}", n % 3, f"k{random.Random(n).randrange(101)}") for n in range(250)]
    gathered = CompletionBuffer(answers, FORM)
    for answer in random.Random(1).sample(list(answers.values()), 101):
        gathered.add(answer)
    gathered.write(slots, tmp_path / "gathered")
    written = pq.ParquetFile(tmp_path / "gathered")
    expected = [line(row, index, answers[key]) for row, index, key in slots]
    assert written.read().to_pylist() == pa.Table.from_pylist(expected, schema=ANSWER_SCHEMA).to_pylist()
    assert written.num_row_groups == 13


@pytest.mark.slow
def test_write_of_more_text_than_one_array_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 2.25 GB of text out of 45 MB of answers that 50 rows each share
    monkeypatch.setattr("stillhouse.completions.column_buffer._GROUP_ROWS", 256)
    answers = [completion(f"k{n}", n).model_copy(update={"text": f"{n}" + "x" * 450_000}) for n in range(100)]
    gathered = CompletionBuffer([one.key for one in answers], FREE_TEXT)
    for answer in answers:
        gathered.add(answer)
    gathered.write([CompletionSlot(f"row {n}", 0, f"k{n % 100}") for n in range(5_000)], tmp_path / "gathered")
    lengths = [
        length
        for batch in pq.ParquetFile(tmp_path / "gathered").iter_batches(64, columns=["text"])
        for length in pc.binary_length(batch["text"]).to_pylist()
    ]
    assert lengths == [450_000 + len(str(n % 100)) for n in range(5_000)]
