"""How a report shows labelled rows that the teacher contradicts, and the hard and easy rows."""

import json
from pathlib import Path
from typing import Any

from stillhouse.dataset.summary import FilterSummary
from stillhouse.reports.build import build_report, report_json
from stillhouse.reports.collect import filter_block, mislabelled
from stillhouse.reports.html import render_html
from stillhouse.reports.tables import summary_markdown
from tests.support.html_page import Page

ROWS = {"train": 0, "validation": 0, "labelled": 0}
SUMMARY = FilterSummary.model_validate(
    {
        "in": 90,
        "kept": 60,
        "dropped": {"hard_share": 30},
        "rows": ROWS,
        "suspects": {"judged": 400, "found": 30, "sure": 12},
        "difficulty": {
            "measure": "margin",
            "share": 0.5,
            "before": {"easy": 30, "medium": 30, "hard": 30},
            "after": {"easy": 14, "medium": 16, "hard": 30},
        },
    }
)
PLAIN = FilterSummary.model_validate({"in": 1, "kept": 1, "dropped": {}, "rows": ROWS})


def suspect(number: int) -> dict[str, Any]:
    return {
        "id": f"row{number}",
        "source": "examples",
        "prompt": f"my message {number}",
        "given": ["refund_request"],
        "teacher": "cancel_order",
        "score": number / 100,
        "confidence": 0.9,
        "is_sure": True,
    }


def shown(blocks: dict[str, Any], folder: Path) -> Any:
    path = folder / "suspects.jsonl"
    path.write_text("".join(json.dumps(suspect(number)) + "\n" for number in range(30)))
    return build_report(**blocks | {"filter": filter_block(SUMMARY), "mislabelled": mislabelled(path)})


def test_page_label_errors_shows_counts_and_the_first_25(plain_blocks, tmp_path):
    report = shown(plain_blocks, tmp_path)
    found = json.loads(report_json(report))
    assert found["filter"]["suspects"] == SUMMARY.suspects.to_record()
    assert [line["id"] for line in found["mislabelled"]] == [f"row{n}" for n in range(25)]
    assert found["mislabelled"][3] == {
        "prompt": "my message 3",
        "label": "refund_request",
        "suggested": "cancel_order",
        "confidence": 0.9,
        "score": 0.03,
        "id": "row3",
        "source": "examples",
    }
    text = Page(render_html(report)).text
    assert "The teacher contradicts 30 of 400 labelled rows it answered, 12 of them for sure" in text
    assert "the 25 likeliest errors are listed here" in text
    assert "my message 24" in text
    assert "my message 25" not in text


def test_summary_label_errors_are_named_by_id_only(blocks, tmp_path):
    text = summary_markdown(shown(blocks, tmp_path))
    assert "**Possibly mislabelled**: 30 of 400 labelled rows, 12 of them for sure. No row was changed." in text
    assert "| examples row3 | 0.030 | refund_request | cancel_order |" in text
    assert "my message" not in text


def test_page_difficulty_shows_rows_before_and_after(plain_blocks, tmp_path):
    text = " ".join(Page(render_html(shown(plain_blocks, tmp_path))).text.split())
    assert "Thirds of the teacher's training rows by margin; 50 % were to be hard." in text
    assert "easy3014medium3016hard3030" in text


def test_page_without_label_errors_or_difficulty_shows_neither(plain_blocks):
    plain = {"filter": filter_block(PLAIN), "mislabelled": []}
    report = build_report(**plain_blocks | plain)
    assert report.filter is not None
    assert (report.filter.suspects, report.filter.difficulty) == (None, None)
    text = Page(render_html(report)).text + summary_markdown(report)
    assert "mislabelled" not in text
    assert "Hard and easy" not in text
