from pathlib import Path

from stillhouse.data.turns import write_rows
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.qa import Qa
from stillhouse.students.row_sample import sample_rows
from tests.support.builders import make_row


def test_sample_rows_has_the_first_and_the_longest_with_their_answers(tmp_path: Path) -> None:
    rows = [make_row(f"r{n}", "Paris", text="word " * (n % 100)) for n in range(300)]
    write_rows(tmp_path / "rows.parquet", rows)
    sample = sample_rows(tmp_path / "rows.parquet", Qa(kind="qa"), ())
    shown = [row["prompt"][-1]["content"] for row in sample]
    assert shown[:16] == [row["messages"][0]["content"] for row in rows[:16]]
    assert {len(text) for text in shown[16:]} >= {len("word " * 99), len("word " * 98)}
    assert len(sample) == 32
    assert {row["completion"][0]["content"] for row in sample} == {"Paris"}


def test_sample_rows_without_references_have_a_stand_in_and_no_rows_give_none(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", [make_row("a")])
    (row,) = sample_rows(tmp_path / "rows.parquet", Qa(kind="qa"), ())
    assert row["completion"] == [{"role": "assistant", "content": "An answer."}]
    write_rows(tmp_path / "none.parquet", [])
    assert sample_rows(tmp_path / "none.parquet", Conversation(kind="conversation"), ()) == ()
