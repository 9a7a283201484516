from typing import Any

import pyarrow.parquet as pq

from stillhouse.judging.questions import JudgeReply
from stillhouse.judging.scores import read_scores, score_questions, write_scores
from stillhouse.skills.summarization import Summarization
from tests.support.scripted_judge import JUDGE, SKILL, row, shown

SUMMARY = Summarization(kind="summarization")


def line(name: str, text: str, finish_reason: str = "stop", key: str = "") -> dict[str, Any]:
    return {"row_id": name, "key": key or f"key of {name}", "text": text, "finish_reason": finish_reason}


def said(text: str) -> JudgeReply:
    return JudgeReply(text=text, finish_reason="stop")


def test_score_questions_one_per_completion_key():
    rows = [row("a"), row("b"), row("a")]
    answers = [
        line("a", "one", key="k1"),
        line("a", "two", key="k2"),
        line("b", "three", key="k3"),
        line("b", "x", key="k1"),
    ]
    questions = score_questions(rows, answers, JUDGE, SKILL, ())
    assert {key: shown(turns)["answer"] for key, turns in questions.items()} == {
        "k1": "one",
        "k2": "two",
        "k3": "three",
    }
    assert shown(questions["k3"])["request"].endswith("User: say b")


def test_score_questions_skip_failed_and_blank_completions():
    answers = [line("a", "", "error:timeout"), line("b", "  "), line("c", "half an answ", "length"), line("d", "whole")]
    questions = score_questions([row(name) for name in "abcd"], answers, JUDGE, SKILL, ())
    assert list(questions) == ["key of c", "key of d"]


def test_score_questions_skip_completions_of_labelled_examples():
    questions = score_questions([row("a")], [line("example", "billing"), line("a", "summary")], JUDGE, SKILL, ())
    assert list(questions) == ["key of a"]


def test_score_questions_show_the_training_target():
    text = "Summary 1: It rained.\nSummary 2: It rained all week."
    (turns,) = score_questions([row("a")], [line("a", text)], JUDGE, SUMMARY, ()).values()
    assert shown(turns)["answer"] == "It rained all week."


def test_write_scores_are_read_back_by_key_and_counted(tmp_path):
    found = write_scores(tmp_path / "s.parquet", {"k2": said("5"), "k1": said("no idea"), "k3": said("2")})
    assert found == {"scored": 3, "unreadable": 1, "scores": {"1": 0, "2": 1, "3": 0, "4": 0, "5": 1}}
    assert read_scores(tmp_path / "s.parquet") == {"k1": None, "k2": 5, "k3": 2}
    assert pq.read_table(tmp_path / "s.parquet")["said"].to_pylist() == ["no idea", "5", "2"]


def test_write_scores_without_replies_is_an_empty_table(tmp_path):
    assert write_scores(tmp_path / "s.parquet", {})["scored"] == 0
    assert read_scores(tmp_path / "s.parquet") == {}
