"""Rounds in the report: from their results to block, sentence, table and page."""

from typing import Any

import pytest

from stillhouse.evaluation.significance import Interval
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.html import render_html
from stillhouse.reports.rounds import rounds_block, rounds_markdown, rounds_text
from stillhouse.reports.tables import summary_markdown
from stillhouse.rounds.result import RoundCost, Rounded, RoundResult
from tests.support.builders import make_recipe_fields
from tests.support.html_page import Page

FIRST = RoundResult(1, 200, 0, 180, RoundCost(240, 9600, None), Interval(0.7, 0.6, 0.8, 80), None, False, 600)
SECOND = RoundResult(
    2,
    100,
    12,
    260,
    RoundCost(112, 4480, None),
    Interval(0.75, 0.65, 0.84, 80),
    Interval(0.05, -0.01, 0.11, 80),
    True,
    500,
)


def block(*results: RoundResult, by_references: bool = True) -> dict[str, Any]:
    recipe = parse_recipe(make_recipe_fields({"model": "owner/t"}, rounds={"choose": "unsure"}))
    found = rounds_block(Rounded(results, "the budget for rounds was spent", "accuracy", by_references), recipe)
    assert found
    return found


def test_rounds_block_has_what_each_round_took_and_brought():
    first, second = block(FIRST, SECOND)["rounds"]
    assert first["gain"] is None
    assert first["points_per_thousand_requests"] is None
    assert second["gain"] == {"value": 0.05, "low": -0.01, "high": 0.11}
    assert second["points_per_thousand_requests"] == pytest.approx(5 / 0.112)
    assert second["points_per_usd"] is None
    assert rounds_block(None, parse_recipe(make_recipe_fields({"model": "owner/t"}))) is None


def test_rounds_sentence_and_page_say_what_was_asked_what_it_brought_and_why_it_ended(blocks):
    report = build_report(**blocks, rounds=block(FIRST, SECOND, by_references=False))
    text = rounds_text(report)
    assert "asked about 300 of 800 training prompts in 2 rounds, after the first those of whose answers the" in text
    assert "accuracy from 0.700 to 0.750 on 80 validation rows, +5.0 points for 112 requests, +44.6 a thousand" in text
    assert "No other round began: the budget for rounds was spent. Right is what the teacher answered" in text
    assert "100 + 12 again" in rounds_markdown(report)
    assert rounds_markdown(report) in summary_markdown(report)
    page = Page(render_html(report)).text
    assert "2 (cut by the budget)" in page
    assert "+44.6" in page


def test_reports_without_rounds_are_read_and_say_nothing_of_them(blocks):
    report = build_report(**blocks)
    assert report.rounds is None
    assert (rounds_text(report), rounds_markdown(report)) == ("", "")
    assert 'id="rounds"' not in render_html(report)


def test_rounds_of_which_there_was_one_have_no_gain(blocks):
    text = rounds_text(build_report(**blocks, rounds=block(FIRST)))
    assert "asked about 200 of 800 training prompts in one round: accuracy 0.700 on 80 validation rows." in text
