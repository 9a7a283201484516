"""How a report shows a teacher that is asked over an API."""

from stillhouse.costs.generation_summary import GenerationSummary, RedactedPrompts
from stillhouse.evaluation.evidence import Evidence
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import data_card
from stillhouse.reports.collect import generation_block, model_blocks, with_baseline
from stillhouse.reports.comparison import comparison_block
from stillhouse.reports.html import render_html
from stillhouse.reports.method import method_statements
from stillhouse.reports.schema.models import Models
from tests.support.builders import make_recipe_fields
from tests.support.html_page import Page

NUMBERS = {
    "parameters": None,
    "weight_bytes": None,
    "peak_memory_bytes": None,
    "engine_floor_bytes": None,
    "tokens_per_second": 20.0,
    "requests_per_second": 10.0,
    "prompt_tokens_mean": 50.0,
    "latency_ms": {"p50": 400.0, "p95": 900.0, "n": 50},
    "engine": "deepseek API",
    "notes": ["evaluated over deepseek's API"],
}


def recipe(endpoint: bool = True) -> Recipe:
    teacher = {"model": "deepseek-chat", "endpoint": {"provider": "deepseek"}} if endpoint else {"model": "./teacher"}
    return parse_recipe(make_recipe_fields() | {"teachers": [teacher]})


def evidence() -> Evidence:
    rows = [{"id": f"r{n}", "references": [label]} for n, label in enumerate("abab")]
    student = {**NUMBERS, "peak_memory_bytes": 10, "latency_ms": {"p50": 40.0, "p95": 50.0, "n": 50}}
    del student["engine"], student["notes"]
    return Evidence(
        rows=rows,
        labels=("a", "b"),
        answers={"teacher": ["a", "b", "a", None], "student": ["a", "b", "b", "b"]},
        measurements={"teacher": NUMBERS, "student": student},
    )


def test_model_blocks_api_teacher_has_null_for_unmeasured():
    blocks = model_blocks(evidence(), {}, recipe())
    models = Models.model_validate(with_baseline(blocks, None))
    assert models.teacher is not None
    assert models.student is not None
    assert (models.teacher.engine, models.teacher.notes) == ("deepseek API", ("evaluated over deepseek's API",))
    assert (models.student.engine, models.student.notes) == ("vLLM", ())
    assert models.teacher.peak_memory_bytes is None
    assert models.teacher.quality["accuracy"].value == 0.75


def test_comparison_api_teacher_has_null_for_what_one_side_lacks(blocks):
    measured = model_blocks(evidence(), {}, recipe())
    comparison, which = comparison_block(evidence(), measured, recipe(), "student")
    found = build_report(**blocks | {"models": with_baseline(measured, which), "comparison": comparison}).comparison
    assert found.quality_retained == 1.0
    assert found.latency_reduction == 0.9
    assert (found.memory_reduction, found.weight_reduction) == (None, None)


def test_method_api_teacher_is_described_only_if_there_is_one():
    served, here = method_statements(recipe()), method_statements(recipe(endpoint=False))
    assert "over deepseek's API" in served["teacher"]
    assert "teacher" not in here
    assert served["engine"].startswith("Every model but the teacher is served")
    assert here["engine"].startswith("Every model is served")


def test_page_and_card_count_redacted_prompts(plain_blocks):
    asked = dict.fromkeys(("requests", "from_store", "generated", "prompt_tokens", "completion_tokens"), 9)
    redacted = RedactedPrompts(prompts=7, marks={"<EMAIL>": 6, "<IBAN>": 2})
    summary = GenerationSummary(**asked, seconds=2.0, redacted=redacted)
    report = build_report(**plain_blocks | {"generation": generation_block(summary, None)})
    page = Page(render_html(report)).text
    assert "Personal data was replaced by marks in 7 prompts" in page
    assert "<EMAIL> 6, <IBAN> 2" in page
    assert "The teacher saw 7 prompts with marks in place of personal data" in data_card(report)
    plain = build_report(**plain_blocks)
    assert plain.generation is not None
    assert plain.generation.redacted is None
    assert "marks" not in Page(render_html(plain)).text + data_card(plain)
