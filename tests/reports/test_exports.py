"""What a report says of the student's exports."""

from typing import Any

import pytest

from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.exports.formats import FORMATS
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.export_text import export_lines, refusals
from stillhouse.reports.exports import export_measures
from stillhouse.reports.html import render_html
from stillhouse.reports.tables import summary_markdown
from tests.support.builders import make_recipe_fields, make_row

STUDENT = ["a"] * 90 + ["b"] * 10
LABELS = ["a"] * 100


def measures(answers: list[str | None], problems: tuple[str, ...] = (), **gate: float) -> dict[str, Any]:
    """Return the measures of an export of a student that is right on 90 of 100 rows."""
    rows = [make_row(f"r{number}", label) for number, label in enumerate(LABELS)]
    numbers = {ModelRole.STUDENT: {"engine": "llama.cpp", "requests_per_second": 9.0}}
    evidence = Evidence(rows, ("a", "b"), {ModelRole.STUDENT: answers} if answers else {}, numbers)
    recipe = parse_recipe(make_recipe_fields(gate={"exports": gate}))
    return export_measures(evidence, STUDENT, ModelRole.STUDENT, problems, recipe)


def test_export_measures_count_rows_with_the_same_answer_and_the_loss():
    # three of the ninety that were right are wrong now, one of the ten that were wrong is right, one can't be read
    found = measures(["b"] * 3 + ["a"] * 87 + ["a"] + [None] + ["b"] * 8, min_agreement=0.9, max_loss=0.05)
    assert found["agreement"]["value"] == pytest.approx(0.95)
    assert found["quality"]["accuracy"]["value"] == pytest.approx(0.88)
    assert found["gain_over_student"]["value"] == pytest.approx(-0.02)
    assert (found["verdict"], found["reasons"]) == ("passed", ())
    assert (found["engine"], found["requests_per_second"]) == ("llama.cpp", 9.0)


def test_export_as_accurate_as_its_student_with_other_answers_is_refused():
    found = measures(["b"] * 5 + ["a"] * 85 + ["a"] * 5 + ["b"] * 5)
    assert found["gain_over_student"]["value"] == 0
    assert found["reasons"] == ("it agrees with the student on 0.900 of the test rows, below 0.98",)


def test_export_without_answers_is_refused_for_what_its_engine_said():
    found = measures([], ("model.gguf was changed", "llama.cpp can't load it."))
    assert found["verdict"] == "refused"
    assert found["reasons"] == ("model.gguf was changed", "llama.cpp can't load it")


@pytest.fixture
def exported(blocks: dict[str, Any]) -> dict[str, Any]:
    quality = {"accuracy": {"value": 0.915, "low": 0.88, "high": 0.94, "n": 400}}
    agreement = {"value": 0.991, "low": 0.98, "high": 1.0, "n": 400}
    shared = {"precision": "int8", "kind": "causal_lm", "student": "student"}
    blocks["exports"] = {
        name: {
            **shared,
            "format": name,
            "engine": FORMATS[name].engine,
            "verdict": "passed",
            "quality": quality,
            "agreement": agreement,
            "latency_ms": {"p50": 31.5, "p95": 44.0, "n": 50},
            "size_bytes": 236_000_000,
            "peak_memory_bytes": 363_000_000,
        }
        for name in FORMATS
    }
    refused = {"verdict": "refused", "reasons": ["model.gguf was changed"], "quality": {}, "agreement": None}
    blocks["exports"]["broken"] = blocks["exports"]["gguf"] | refused
    return blocks


def test_reports_show_every_export_with_its_verdict(exported: dict[str, Any]):
    report = build_report(**exported)
    assert refusals(report) == ["Export broken is refused: model.gguf was changed."]
    assert export_lines(report)[-1] == "Export broken: refused; model.gguf was changed"
    for text in (summary_markdown(report), render_html(report)):
        assert "0.991" in text
        assert "Export broken is refused: model.gguf was changed." in text


def test_model_card_has_lines_of_code_for_each_export_that_passed(exported: dict[str, Any]):
    card = model_card(build_report(**exported))
    for call in ("pipeline(", "onnxruntime_genai.Model(", "ollama create", "ctranslate2.Generator("):
        assert call in card
    assert "**broken**" not in card


def test_reports_without_exports_say_nothing_of_them(blocks: dict[str, Any]):
    report = build_report(**blocks)
    assert export_lines(report) == []
    assert "Exports" not in render_html(report)
