"""The report says how many training examples show how much of the teacher's reasoning."""

from typing import Any

from stillhouse.dataset.summary import FilterSummary
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import data_card, model_card
from stillhouse.reports.collect import filter_block
from stillhouse.reports.html import render_html

ROWS = {"train": 0, "validation": 0, "labelled": 0}
SHARES = {"long": 1200, "short": 4000, "alone": 300, "too_long": 20, "without": 7, "single": 150}
SAID = (
    "Reasoning in the training examples: 1,200 long, 4,000 short (of 150 there was one sample), 300 the answer alone, "
    "20 too long and so the answer alone, 7 without any reasoning."
)


def test_page_and_cards_say_the_shares_of_reasoning(blocks: dict[str, Any]) -> None:
    plain = build_report(**blocks)
    summary = FilterSummary.model_validate({"in": 1, "kept": 1, "dropped": {}, "rows": ROWS, "reasoning": SHARES})
    mixed = build_report(**blocks | {"filter": filter_block(summary)})
    for show in (render_html, model_card, data_card):
        assert SAID in " ".join(show(mixed).split())
        assert "Reasoning in the training examples" not in show(plain)
