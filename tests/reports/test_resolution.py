from typing import Any

from stillhouse.reports.build import build_report
from stillhouse.reports.resolution import too_few_rows
from stillhouse.reports.verdict import conclusion, gain_text

TIE = {"value": 0.004, "low": -0.2, "high": 0.3, "p_value": 0.7, "p_corrected": 0.7}


def test_too_few_rows_are_named_with_what_they_show_and_how_many_would_do(blocks: dict[str, Any]) -> None:
    blocks["comparison"] |= {"strongest_alternative": "tfidf_logistic_regression"}
    blocks["comparison"]["gain_over"]["tfidf_logistic_regression"] = {**TIE, "smallest": 0.2}
    blocks["models"]["student"]["quality"]["accuracy"]["n"] = 40
    said = too_few_rows(build_report(**blocks))
    assert said.startswith("40 test rows are too few: a difference from “No teacher: TF-IDF")
    assert said.endswith("shows only from 0.20 on. About 640 such rows would show 0.05.")
    assert conclusion(build_report(**blocks)).endswith(said)


def test_enough_rows_are_not_talked_about(blocks: dict[str, Any]) -> None:
    blocks["comparison"] |= {"strongest_alternative": "tfidf_logistic_regression"}
    blocks["comparison"]["gain_over"]["tfidf_logistic_regression"] = {**TIE, "smallest": 0.099}
    report = build_report(**blocks)
    assert too_few_rows(report) == ""
    assert gain_text(report.comparison.gain_over["tfidf_logistic_regression"]).endswith(", shows from 0.099")


def test_without_an_alternative_the_teacher_decides(blocks: dict[str, Any]) -> None:
    blocks["comparison"]["gain_over"]["teacher"] = {**TIE, "smallest": 0.3}
    assert "a difference from “Teacher” shows only from 0.30 on" in too_few_rows(build_report(**blocks))
