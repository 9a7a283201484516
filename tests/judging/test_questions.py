from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.artifacts.store import StoreConfig
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.errors import ServiceUnavailable
from stillhouse.judging.prompts import pair_question, score_question
from stillhouse.judging.questions import read_replies, write_questions
from stillhouse.recipe.judge import VERDICTS
from stillhouse.teachers.prompting import Prompter
from stillhouse.teachers.requests import rows_of
from stillhouse.teachers.spec import GenerateSpec
from tests.support.scripted_judge import JUDGE

QUESTIONS = {
    "0.first": pair_question(JUDGE, "System: Reply.\nUser: hi", "[End of answer A]", "b {labels}", None),
    "k": score_question(JUDGE, "User: hi", "{criteria}\n\nanswer"),
}


def written(folder: Path) -> GenerateSpec:
    store = StoreConfig(url=str(folder / "store"))
    return write_questions(
        folder,
        QUESTIONS,
        JUDGE.as_teacher(VERDICTS),
        model_path="m",
        fingerprint="f",
        store=store,
        budget=BudgetScope(),
    )


def answered(folder: Path, reasons: list[str]) -> None:
    written(folder)
    lines = {"row_id": [str(n) for n in range(len(reasons))], "text": ["A"] * len(reasons), "finish_reason": reasons}
    pq.write_table(pa.table(lines), folder / "completions.parquet")


def test_write_questions_workers_send_them_unchanged(tmp_path):
    spec = GenerateSpec.model_validate_json(written(tmp_path).model_dump_json())
    rows = list(rows_of(spec))
    prompter = Prompter(spec.teacher, spec.skill, spec.labels, [])
    assert dict(zip((row["id"] for row in rows), prompter.prompts(rows), strict=True)) == QUESTIONS
    assert prompter.constraint(spec.teacher) == {"choice": VERDICTS}


def test_read_replies_returns_them_by_question_and_removes_the_files(tmp_path):
    answered(tmp_path, ["stop", "length"])
    replies = read_replies(tmp_path)
    assert {name: (one.text, one.finish_reason) for name, one in replies.items()} == {
        "0": ("A", "stop"),
        "1": ("A", "length"),
    }
    assert not list(tmp_path.glob("*.parquet"))


def test_read_replies_few_failures_pass_and_many_are_an_error(tmp_path):
    answered(tmp_path, ["stop"] * 19 + ["error:timeout"])
    assert len(read_replies(tmp_path)) == 20
    answered(tmp_path, ["stop"] * 18 + ["error:timeout", "error:server"])
    with pytest.raises(ServiceUnavailable, match="2 of 20 questions got no reply"):
        read_replies(tmp_path)


def test_read_replies_refused_questions_are_not_failures(tmp_path):
    answered(tmp_path, ["stop", "error:content_filter", "error:too_long", "error:request"])
    assert len(read_replies(tmp_path)) == 4
