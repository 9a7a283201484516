import re
from typing import Any

import pytest

from stillhouse.reports.build import build_report
from stillhouse.reports.html import most_confused, render_html
from stillhouse.reports.schema.report import Confusion
from tests.support.html_page import ATTACK, Page


def test_page_loads_nothing_external(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object", "image"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"https?://|@import|url\((?!#)", html)


def test_page_user_data_is_text_everywhere(blocks: dict[str, Any]) -> None:
    blocks["recipe"]["name"] = blocks["run_id"] = blocks["models"]["student"]["name"] = ATTACK
    blocks["disagreements"][0]["prompt"] = blocks["mislabelled"][0]["label"] = ATTACK
    blocks["funnel"][0]["stage"] = blocks["method"]["quality"] = blocks["licences"]["teacher"] = ATTACK
    blocks["confusion"]["labels"][0] = ATTACK
    blocks["gate"]["rules"][0]["rule"] = blocks["stages"]["read"]["fingerprint"] = ATTACK
    page = Page(render_html(build_report(**blocks)))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.text.count("alert(1)") >= 11


def test_page_names_labels_on_one_side_only(blocks: dict[str, Any]) -> None:
    blocks["data"]["one_sided_labels"] = {"test": ["rare"], "train": [ATTACK]}
    page = Page(render_html(build_report(**blocks)))
    assert "Labels of the test rows that no other labelled row has: rare." in page.text
    assert "script" not in page.tags


def test_page_shows_the_numbers_it_was_given(html: str) -> None:
    text = Page(html).text
    for number in ["0.918", "[0.889, 0.943]", "0.943", "0.488", "0.163", "0.795", "0.823", "165 ms", "198 ms",
                   "745 ms", "872 ms", "33.0", "6.63", "339", "34.8", "122 MiB", "257 MiB", "1.41 GiB", "1.81 GiB",
                   "1.10 GiB", "63.7 M", "1,312", "772", "744", "658", "222,798", "3,342", "32.5", "701", "27,412",
                   "264", "0.041", "0.223", "0.974", "0.779", "+0.430", "[0.378, 0.480]", "+0.123", "+0.095", "0.97",
                   "102.7 s", "2 min 22 s", "5 min 49 s", "24.0 GiB", "−78 %", "5.0×"]:  # fmt: skip
        assert number in text, number
    for words in ["low confidence", "prompt too long", "Gate passed", "better baseline",
                  "learning_rate: 0.0005", "retrieval of examples included", "c0ffee", "vllm", "CC0-1.0"]:  # fmt: skip
        assert words in text, words


def test_page_names_each_stage_and_its_fingerprint_once(html: str, blocks: dict[str, Any]) -> None:
    page = Page(html)
    for name, stage in blocks["stages"].items():
        assert page.text.count(stage["fingerprint"]) == 1, name


def test_page_chart_ids_are_unique(html: str) -> None:
    page = Page(html)
    assert page.tags.count("svg") == 5
    idents = [value for name, value in page.attributes if name == "id"]
    assert len(idents) == len(set(idents))
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(idents)


def test_page_chart_colours_all_follow_the_theme(html: str) -> None:
    drawn = set(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]+|black|white)"', html))
    assert drawn <= set(re.findall(r'\.chart \[(?:fill|stroke)="(#[0-9a-f]+)"\]', html))


def test_page_without_any_block_says_not_measured_and_never_zero(blocks: dict[str, Any]) -> None:
    unmeasured = {"name": "m", "quality": {}, **dict.fromkeys(
        ("parameters", "weight_bytes", "peak_memory_bytes", "latency_ms", "tokens_per_second", "requests_per_second",
         "prompt_tokens_mean", "cost_usd_per_1k_requests"))}  # fmt: skip
    models = {"teacher": unmeasured, "student": unmeasured, "baseline": None}
    bare = build_report(run_id="run", recipe={}, skill="classification", models=models, stages={},
                        comparison={"primary_metric": "accuracy"})  # fmt: skip
    page = Page(render_html(bare))
    assert page.text.count("not measured") >= 2 * 7
    assert "svg" not in page.tags
    assert not re.findall(r"\b0(?:\.0+)?(?: %| ms| B|×|\b)", page.text.replace("teachers[0]", ""))


@pytest.mark.parametrize("block", ["data", "generation", "filter", "training", "gate"])
def test_page_one_block_null_still_renders(plain_blocks: dict[str, Any], block: str) -> None:
    plain_blocks[block] = None
    assert "None" not in Page(render_html(build_report(**plain_blocks))).text.replace("None.", "")


def test_page_failing_gate_is_shown(plain_blocks: dict[str, Any]) -> None:
    plain_blocks["gate"] = {"passed": False, "verdict": "refused", "rules": [
        {"rule": "comparison.quality_retained >= 0.99", "value": 0.9735, "bound": 0.99, "passed": False,
         "verdict": "refused"},
        {"rule": "comparison.cost_reduction >= 0.6", "value": None, "bound": 0.6, "passed": False,
         "verdict": "undecidable", "reason": "not <b>measured"}]}  # fmt: skip
    html = render_html(build_report(**plain_blocks))
    text = Page(html).text
    assert "Gate refused" in text
    assert "not <b>measured" in text
    assert "The student may not be promoted" in text
    assert "comparison.quality_retained >= 0.99" in text
    assert html.count('<span class="badge bad">refused</span>') == 1
    assert html.count('<span class="badge open">undecidable</span>') == 1


def test_page_rows_that_do_not_add_up_are_shown(plain_blocks: dict[str, Any]) -> None:
    plain_blocks["funnel"] = [{"stage": "filter", "in": 744, "out": 699, "dropped": {"truncated": 43}}]
    assert "2 unaccounted for" in Page(render_html(build_report(**plain_blocks))).text


def test_page_losing_student_says_so(plain_blocks: dict[str, Any]) -> None:
    plain_blocks["comparison"]["gain_over"]["tfidf_logistic_regression"] = {
        "value": -0.041, "low": -0.072, "high": -0.011, "p_value": 0.008, "p_corrected": 0.016}  # fmt: skip
    text = Page(render_html(build_report(**plain_blocks))).text
    assert "No. Without any teacher, more is reached on these test rows by TF-IDF" in text
    assert "The student loses to TF-IDF" in text
    assert "−0.041 [−0.072, −0.011], p = 0.008, corrected p = 0.016" in text


def test_page_unknown_licence_hints_where_to_state_it(plain_blocks: dict[str, Any]) -> None:
    plain_blocks["licences"] = {"data": {"train": "CC0-1.0"}, "teacher": "unknown", "student_base": "Apache-2.0"}
    text = Page(render_html(build_report(**plain_blocks))).text
    assert "not stated; look it up and set teachers[0].licence" in text


def test_most_confused_leaves_out_right_answers_and_sorts_by_rows() -> None:
    confusion = Confusion(labels=("a", "b", "c"), matrix=((9, 1, 0), (4, 8, 2), (0, 0, 7)))
    assert most_confused(confusion, most=2) == [(4, "b", "a"), (2, "b", "c")]
