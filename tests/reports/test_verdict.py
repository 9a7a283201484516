from typing import Any

import pytest

from stillhouse.reports.build import build_report
from stillhouse.reports.verdict import alternative_verdicts, conclusion, entries, headline

LOSS = {"value": -0.041, "low": -0.072, "high": -0.011, "p_value": 0.008}
TIE = {"value": 0.004, "low": -0.02, "high": 0.03, "p_value": 0.7}


def test_headline_student_that_wins_names_quality_latency_and_gain(blocks: dict[str, Any]) -> None:
    expected = "The student keeps 97 % of the teacher's accuracy at 22 % of its latency; +0.43 over the better baseline"
    assert headline(build_report(**blocks)).replace("\u00a0", " ") == f"{expected} [0.38, 0.48]."


def test_headline_student_that_loses_to_an_alternative_says_so(blocks: dict[str, Any]) -> None:
    blocks["comparison"]["gain_over"]["tfidf_logistic_regression"] = LOSS
    assert "But it loses to TF-IDF" in headline(build_report(**blocks))


def test_headline_without_quality_is_not_guessed(blocks: dict[str, Any]) -> None:
    blocks["models"]["teacher"]["quality"] = {}
    assert headline(build_report(**blocks)).endswith("was not measured.")


@pytest.mark.parametrize(("gain", "outcome", "start"), [(LOSS, "loses", "No."), (TIE, "unclear", "Not shown.")])
def test_conclusion_follows_the_paired_interval(
    blocks: dict[str, Any], gain: dict[str, float], outcome: str, start: str
) -> None:
    blocks["comparison"]["gain_over"]["tfidf_logistic_regression"] = gain
    report = build_report(**blocks)
    assert [verdict.outcome for verdict in alternative_verdicts(report)] == ["wins", outcome]
    assert conclusion(report).startswith(start)


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
