"""The sentence on what the teacher reaches with the second opinion."""

from typing import Any

from stillhouse.reports.build import build_report
from stillhouse.reports.combination import combination_text
from stillhouse.reports.html import render_html
from stillhouse.reports.tables import summary_markdown


def test_combination_text_gives_both_values_and_the_difference(blocks: dict[str, Any]) -> None:
    both = blocks["models"]["teacher"] | {"quality": {"accuracy": {"value": 0.777, "low": 0.7, "high": 0.8, "n": 250}}}
    blocks["models"]["teacher_with_second_opinion"] = both
    gain = {"value": 0.141, "low": 0.1, "high": 0.18, "p_value": 0.001}
    blocks["comparison"]["gain_over"]["teacher_with_second_opinion"] = gain
    report = build_report(**blocks)

    text = combination_text(report)

    assert "reaches accuracy 0.777; the student 0.918, a difference of +0.141 [" in text
    assert text in summary_markdown(report)
    assert text in render_html(report)


def test_combination_text_without_a_second_opinion_is_empty(blocks: dict[str, Any]) -> None:
    assert combination_text(build_report(**blocks)) == ""
