from typing import Any

import pytest

from stillhouse.reports.build import build_report
from stillhouse.reports.entries import entries
from stillhouse.reports.verdict import alternative_verdicts, conclusion, data_conclusion, headline

LOSS = {"value": -0.041, "low": -0.072, "high": -0.011, "p_value": 0.008, "p_corrected": 0.016}
TIE = {"value": 0.004, "low": -0.02, "high": 0.03, "p_value": 0.7, "p_corrected": 0.7}


def test_headline_student_that_wins_names_quality_latency_and_gain(blocks: dict[str, Any]) -> None:
    blocks["comparison"] |= {"latency_reduction_low": 0.74, "latency_reduction_high": 0.81}
    assert headline(build_report(**blocks)).replace("\u00a0", " ") == (
        "The student keeps 97 % [95 %, 100 %] of the teacher's accuracy at 22 % [19 %, 26 %] of its latency; +0.43 "
        "over the better baseline [0.38, 0.48]."
    )


def test_headline_student_that_loses_to_an_alternative_says_so(blocks: dict[str, Any]) -> None:
    blocks["comparison"]["gain_over"]["tfidf_logistic_regression"] = LOSS
    assert "But it loses to TF-IDF" in headline(build_report(**blocks))


def test_headline_without_quality_is_not_guessed(blocks: dict[str, Any]) -> None:
    blocks["models"]["teacher"]["quality"] = {}
    assert headline(build_report(**blocks)).endswith("was not measured.")


@pytest.mark.parametrize(("gain", "outcome", "start"), [(LOSS, "loses", "No."), (TIE, "unclear", "Not shown.")])
def test_conclusion_follows_the_corrected_p_value(
    blocks: dict[str, Any], gain: dict[str, float], outcome: str, start: str
) -> None:
    blocks["comparison"]["gain_over"]["tfidf_logistic_regression"] = gain
    report = build_report(**blocks)
    assert [verdict.outcome for verdict in alternative_verdicts(report)] == ["wins", outcome]
    assert conclusion(report).startswith(start)


def add_encoder(blocks: dict[str, Any], gain: dict[str, float], role: str = "encoder_logistic_regression") -> None:
    blocks["models"][role] = {**blocks["models"]["tfidf_logistic_regression"], "name": "MiniLM"}
    blocks["comparison"]["gain_over"][role] = gain
    blocks["comparison"]["strongest_alternative"] = role


def test_conclusion_names_the_way_that_would_do_as_well(blocks: dict[str, Any]) -> None:
    add_encoder(blocks, TIE)
    said = conclusion(build_report(**blocks))
    assert said.startswith("Not shown. Without any teacher, as much is reached by a frozen sentence encoder")
    assert "TF-IDF" not in said


@pytest.mark.parametrize(
    ("quality", "gain", "start", "named"),
    [
        (0.6, {"low": 0.05, "high": 0.2}, "Yes.", False),  # less than the strongest way: not of interest
        (0.95, {"low": 0.05, "high": 0.2}, "Yes.", True),
        (0.95, {"low": -0.05, "high": 0.2}, "Not shown.", True),
        (0.99, {"low": -0.2, "high": -0.05}, "No.", True),
    ],
    ids=["weak", "beaten", "unclear", "better"],
)
def test_conclusion_one_answer_for_every_row_counts_where_it_is_strongest(
    blocks: dict[str, Any], quality: float, gain: dict[str, float], start: str, named: bool
) -> None:
    add_encoder(blocks, blocks["comparison"]["gain_over"]["tfidf_logistic_regression"])
    gain = {**gain, "value": sum(gain.values()) / 2, "p_value": 0.01}
    blocks["comparison"]["commonest_label"] = {"label": "neutral", "quality": quality, "gain_over": gain}
    report = build_report(**blocks)
    assert conclusion(report).startswith(start)
    assert ("the answer “neutral” for every row" in conclusion(report)) == named
    assert any("“neutral”" in verdict.text for verdict in alternative_verdicts(report)) == named
    assert ("loses to the answer “neutral”" in headline(report)) == (start == "No.")


def test_conclusion_of_a_win_names_the_strongest_opponent(blocks: dict[str, Any]) -> None:
    add_encoder(blocks, blocks["comparison"]["gain_over"]["tfidf_logistic_regression"])
    said = conclusion(build_report(**blocks))
    assert said.startswith("Yes.")
    assert said.endswith("the strongest is a frozen sentence encoder with logistic regression on the labelled rows.")


def test_conclusion_says_that_no_encoder_was_measured(blocks: dict[str, Any]) -> None:
    blocks["comparison"]["not_measured"] = {"encoder_logistic_regression": "no encoder"}
    assert conclusion(build_report(**blocks)).endswith("was not measured: no encoder.")


def test_conclusion_does_not_go_by_the_plain_p_value(blocks: dict[str, Any]) -> None:
    # 0.03 by itself, but one of five comparisons
    add_encoder(blocks, {"value": 0.04, "low": 0.002, "high": 0.08, "p_value": 0.03, "p_corrected": 0.09})
    assert conclusion(build_report(**blocks)).startswith("Not shown.")


@pytest.mark.parametrize(("gain", "says"), [(LOSS, "More than the student"), (TIE, "As much as by the student")])
def test_data_conclusion_says_what_the_examples_are_worth_to_others(
    blocks: dict[str, Any], gain: dict[str, float], says: str
) -> None:
    add_encoder(blocks, gain, "encoder_on_training_examples")
    del blocks["comparison"]["strongest_alternative"]
    report = build_report(**blocks)
    assert says in data_conclusion(report)
    assert "0.823; the student 0.918" in data_conclusion(report)
    # who else learns the teacher's answers does not decide whether a teacher is needed
    assert conclusion(report).startswith("Yes.")


def test_data_conclusion_without_other_learners_is_empty(blocks: dict[str, Any]) -> None:
    assert data_conclusion(build_report(**blocks)) == ""


def test_verdict_without_interval_is_never_a_win(blocks: dict[str, Any]) -> None:
    blocks["comparison"]["gain_over"] = {}
    report = build_report(**blocks)
    assert {verdict.outcome for verdict in alternative_verdicts(report)} == {"unknown"}
    assert conclusion(report).startswith("Not measured")


def test_conclusion_without_alternatives_claims_nothing(blocks: dict[str, Any]) -> None:
    del blocks["models"]["student_labelled_only"], blocks["models"]["tfidf_logistic_regression"]
    assert conclusion(build_report(**blocks)).startswith("Not measured")


def test_entries_better_baseline_appears_once(blocks: dict[str, Any]) -> None:
    found = entries(build_report(**blocks))
    assert [entry.role for entry in found][:3] == ["student", "teacher", "baseline_zero_shot"]
    assert [entry.role for entry in found if entry.is_better_baseline] == ["baseline_zero_shot"]
