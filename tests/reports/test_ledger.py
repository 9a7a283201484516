"""The ledger as the report shows it."""

from typing import Any

import pytest

from stillhouse.costs.ledger import Expense, PaidPart
from stillhouse.costs.price import ResolvedPrice
from stillhouse.costs.usage import Usage
from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.build import build_report, report_json
from stillhouse.reports.html import render_html
from stillhouse.reports.ledger import ledger_block, ledger_rows
from stillhouse.reports.schema.report import Report
from stillhouse.reports.tables import summary_markdown
from stillhouse.reports.terminal import render_terminal

TOKENS = ResolvedPrice(input_usd_per_mtok=1.0, output_usd_per_mtok=10.0, source="the recipe")
LESSONS = PaidPart(
    expense=Expense.GENERATION,
    what="teacher: prompts",
    stage="generate",
    from_store=86,
    run=Usage(requests=658, prompt_tokens=200_000, completion_tokens=3000, seconds=60.0),
    life=Usage(requests=744, prompt_tokens=222_000, completion_tokens=3300, seconds=70.0),
    price=TOKENS,
)
HOUR = Usage(requests=None, prompt_tokens=None, completion_tokens=None, seconds=3600.0)
TRAINING = PaidPart(
    expense=Expense.TRAINING,
    what="training",
    stage="train",
    from_store=None,
    run=Usage(),
    life=HOUR,
    price=ResolvedPrice(usd_per_hour=2.0),
)
UNPRICED = TRAINING.model_copy(
    update={
        "expense": Expense.EVALUATION,
        "what": "evaluation",
        "stage": "evaluate",
        "run": HOUR,
        "price": ResolvedPrice(),
    }
)


def with_ledger(blocks: dict[str, Any], *lines: PaidPart, teacher: float | None, student: float | None) -> Report:
    for name, cost in (("teacher", teacher), ("student", student)):
        blocks["models"][name]["cost_usd_per_1k_requests"] = cost
    return build_report(**blocks, ledger=ledger_block(lines, blocks["models"], ModelRole.STUDENT))


def test_ledger_block_totals_and_break_even_add_up(plain_blocks):
    report = with_ledger(plain_blocks, LESSONS, TRAINING, teacher=5.0, student=1.0)
    assert report.ledger is not None
    # 200,000 and 3,000 tokens now, 222,000 and 3,300 in all, and an hour of training of an earlier run
    assert report.ledger.run_usd == pytest.approx(0.2 + 0.03)
    assert report.ledger.life_usd == pytest.approx(0.222 + 0.033 + 2.0)
    assert report.ledger.break_even.requests == 564  # 2.255 / 0.004 = 563.75
    assert report.comparison.cost_reduction == pytest.approx(0.8)
    assert Report.model_validate_json(report_json(report)) == report


def test_ledger_block_unknown_price_gives_no_total_and_is_named(plain_blocks):
    report = with_ledger(plain_blocks, LESSONS, UNPRICED, teacher=5.0, student=1.0)
    assert report.ledger is not None
    assert (report.ledger.run_usd, report.ledger.life_usd) == (None, None)
    assert report.ledger.unpriced == ("evaluation",)
    assert report.ledger.break_even.requests is None
    assert "no price for evaluation (set `costs`" in report.ledger.break_even.reason
    assert ledger_rows(report.ledger)[-1][-2:] == ["not known", "not known"]


def test_page_and_summary_show_ledger_and_break_even(plain_blocks):
    report = with_ledger(plain_blocks, LESSONS, TRAINING, teacher=5.0, student=1.0)
    markdown, page = summary_markdown(report).replace("\u00a0", " "), render_html(report)
    for text in (markdown, page):
        assert "after 564 requests to the student" in text
        assert "222,000" in text
        assert "$2.25" in text or "$2.26" in text
    assert "| teacher: prompts | 744 | 86 | 222,000 | 3,300 | 70.0 s | $0.23 | $0.26 |" in markdown
    assert "564" in str(render_terminal(report).caption)


def test_report_without_ledger_is_read_and_shown(plain_blocks):
    report = build_report(**plain_blocks)
    assert report.ledger is None
    assert "Break-even" not in render_html(report) + summary_markdown(report)
