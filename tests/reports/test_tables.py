from io import StringIO
from typing import Any

from rich.console import Console

from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.html import render_html
from stillhouse.reports.tables import comparison_rows, summary_markdown, unmeasured_text
from stillhouse.reports.terminal import render_terminal
from tests.support.html_page import Page


def _printed(blocks: dict[str, Any], width: int = 120) -> str:
    out = StringIO()
    Console(file=out, width=width).print(render_terminal(build_report(**blocks)))
    return out.getvalue().replace("\u00a0", " ")


def test_comparison_rows_one_per_model_with_equal_columns(blocks: dict[str, Any]) -> None:
    rows = comparison_rows(build_report(**blocks))
    assert len(rows) == 6
    assert len({tuple(row) for row in rows}) == 1
    assert rows[0]["model"] == "Student"
    assert rows[0]["accuracy"].replace("\u00a0", " ") == "0.918 [0.889, 0.943]"
    assert rows[2]["model"].endswith("(better baseline)")


def test_comparison_rows_without_engine_say_not_measured(blocks: dict[str, Any]) -> None:
    row = comparison_rows(build_report(**blocks))[-1]
    assert row["accuracy"].startswith("0.823")
    assert {row[name] for name in ("latency p50", "latency p95", "peak memory", "weights")} == {"not measured"}


def test_summary_markdown_shows_verdict_and_failed_gate(blocks: dict[str, Any]) -> None:
    blocks["gate"] = {"passed": False, "verdict": "undecidable", "rules": [
        {"rule": "comparison.cost_reduction >= 0.6", "value": None, "bound": 0.6, "passed": False,
         "verdict": "undecidable", "reason": "not measured"}]}  # fmt: skip
    text = summary_markdown(build_report(**blocks))
    assert "**Gate: UNDECIDABLE**" in text
    assert "| UNDECIDABLE | comparison.cost_reduction &gt;= 0.6 | not measured | 0.600 | not measured |" in text
    assert "**Worth a teacher?** Yes." in text


def test_render_terminal_intervals_and_gaps_fit_120_columns(blocks: dict[str, Any]) -> None:
    text = _printed(blocks)
    assert "[0.889,0.943]" in text
    assert "745 ms" in text
    assert "…" not in text
    assert "Gate: passed" in text


def test_render_terminal_many_models_are_lines_that_fit_100_columns(blocks: dict[str, Any]) -> None:
    for role in ("student_2", "student_3"):
        blocks["models"][role] = blocks["models"]["student"]
    text = _printed(blocks, width=100)
    assert "…" not in text
    (line,) = (line for line in text.splitlines() if line.lstrip().startswith("Teacher"))
    assert line.split()[:5] == ["Teacher", "0.943", "[0.918,", "0.963]", "745"]
    assert sum("0.918 [0.889, 0.943]" in line for line in text.splitlines()) == 3


def test_render_terminal_without_models_still_prints(blocks: dict[str, Any]) -> None:
    blocks["models"] = {"teacher": None, "student": None, "baseline": None}
    assert "not measured" in _printed(blocks)


def test_tables_encoder_that_was_not_measured_has_a_row_that_says_why(plain_blocks: dict[str, Any]) -> None:
    plain_blocks["comparison"]["not_measured"] = {"encoder_logistic_regression": "no encoder", "macro_f1": "no row"}
    report = build_report(**plain_blocks)
    row = comparison_rows(report)[-1]
    assert (row["model"], row["name"]) == (
        "No teacher: sentence encoder + logistic regression",
        "not measured: no encoder",
    )
    assert row["accuracy"] == "not measured"
    assert "not measured: no encoder" in summary_markdown(report)
    page = Page(render_html(report)).text
    assert "No teacher: sentence encoder + logistic regression" in page
    assert "not measured: no encoder" in page
    # only metrics are named among the metrics, and the terminal has no room for a column without a number
    assert unmeasured_text(report) == "macro F1: not measured, no row"
    assert "ncoder, labels" not in _printed(plain_blocks)


def test_summary_tells_what_the_examples_are_worth_to_other_learners(plain_blocks: dict[str, Any]) -> None:
    plain_blocks["models"]["encoder_on_training_examples"] = plain_blocks["models"]["tfidf_logistic_regression"]
    gain = {"value": -0.02, "low": -0.06, "high": 0.02, "p_value": 0.3, "p_corrected": 0.6}
    plain_blocks["comparison"]["gain_over"]["encoder_on_training_examples"] = gain
    report = build_report(**plain_blocks)
    for text in (summary_markdown(report), Page(render_html(report)).text, model_card(report)):
        assert "What the training examples alone are worth, whoever learns them" in text
        assert "No clear difference from a frozen sentence encoder" in text
