"""The page and the card say what stands out among the training examples."""

from typing import Any

from stillhouse.dataset.coverage import compare
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import data_card
from stillhouse.reports.html import render_html


def test_report_names_what_stands_out_and_labels_with_few_test_rows(blocks: dict[str, Any]) -> None:
    found = compare(["where"] * 200, ["where"] * 200, (["<a>"] * 20 + ["b"] * 180, ["<a>"] * 100 + ["b"] * 100))
    data = blocks["data"] | {"coverage": found.model_dump(), "rare_in_test": {"lost": 0}}
    data["ignored_turn_keys"] = {"<mood>": 1200}
    report = build_report(**blocks | {"data": data})
    page, card = render_html(report), data_card(report)
    assert "&#39;&lt;a&gt;&#39; is under-represented in training: 10.0% of 200 examples" in page
    assert "<a>" not in page
    assert "Keys of turns that were left out, by turns: <code>&lt;mood&gt;</code>&nbsp;<b>1,200</b>." in page
    assert "Labels with fewer than five test rows" in page
    assert "under-represented in training: 10.0% of 200 examples, 50.0% of 200 test rows" in card
    assert "labels with fewer than five test rows: lost 0" in card
