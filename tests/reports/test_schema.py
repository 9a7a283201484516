from typing import Any

import pytest
from pydantic import ValidationError

from stillhouse.reports.build import build_report, report_json, with_gate
from stillhouse.reports.schema.data import FunnelStep
from stillhouse.reports.schema.gate import Gate
from stillhouse.reports.schema.report import Report

REQUIRED_MODEL_FIELDS = ["name", "parameters", "weight_bytes", "peak_memory_bytes", "quality", "latency_ms",
                         "tokens_per_second", "requests_per_second", "prompt_tokens_mean",
                         "cost_usd_per_1k_requests"]  # fmt: skip


def test_report_json_has_every_field_of_version_1(blocks: dict[str, Any]) -> None:
    found = build_report(**blocks).model_dump(mode="json")
    assert found["schema_version"] == 1
    assert found["filter"]["in"] == 744
    assert found["funnel"][0]["in"] == 1312
    assert set(found["models"]["student"]) >= set(REQUIRED_MODEL_FIELDS)
    assert set(found) >= {"run_id", "recipe", "skill", "data", "generation", "filter", "training", "models",
                          "comparison", "gate", "stages"}  # fmt: skip
    assert set(found["comparison"]["gain_over_baseline"]) == {
        *("value", "low", "high", "p_value"),
        *("p_corrected", "corrected_low", "corrected_high", "smallest"),
    }


def test_report_json_read_back_is_byte_equal(blocks: dict[str, Any]) -> None:
    text = report_json(build_report(**blocks))
    assert report_json(Report.model_validate_json(text)) == text


@pytest.mark.parametrize("field", REQUIRED_MODEL_FIELDS)
def test_build_report_model_field_missing_is_refused(blocks: dict[str, Any], field: str) -> None:
    del blocks["models"]["student"][field]
    with pytest.raises(ValidationError, match=field):
        build_report(**blocks)


@pytest.mark.parametrize("path", [(), ("data",), ("models",), ("models", "teacher"), ("comparison",), ("gate",)])
def test_build_report_unknown_field_is_refused(blocks: dict[str, Any], path: tuple[str, ...]) -> None:
    block = blocks
    for key in path:
        block = block[key]
    block["acuracy"] = 0.5
    with pytest.raises(ValidationError, match="acuracy"):
        build_report(**blocks)


def test_build_report_nan_is_refused(blocks: dict[str, Any]) -> None:
    blocks["training"]["train_loss"] = float("nan")
    with pytest.raises(ValidationError, match="train_loss"):
        build_report(**blocks)


def test_build_report_ratios_are_derived_from_the_models(blocks: dict[str, Any]) -> None:
    found = build_report(**blocks).comparison
    assert found.quality_retained == pytest.approx(0.918 / 0.943)
    assert found.latency_reduction == pytest.approx(1 - 164.8 / 745.3)
    assert found.memory_reduction == pytest.approx(1 - 1_516_204_032 / 1_942_323_200)
    assert found.throughput_ratio == pytest.approx(33.04 / 6.63)
    assert found.cost_reduction is None


def test_build_report_unmeasured_teacher_gives_null_ratios(blocks: dict[str, Any]) -> None:
    blocks["models"]["teacher"]["latency_ms"] = None
    blocks["models"]["teacher"]["requests_per_second"] = None
    found = build_report(**blocks).comparison
    assert (found.latency_reduction, found.throughput_ratio) == (None, None)


def test_gate_passed_with_a_failed_rule_is_refused(blocks: dict[str, Any]) -> None:
    blocks["gate"]["rules"][0] |= {"passed": False, "verdict": "refused"}
    with pytest.raises(ValidationError, match="only when every rule does"):
        build_report(**blocks)


def test_with_gate_report_without_one_carries_the_verdict(blocks: dict[str, Any]) -> None:
    gate = blocks.pop("gate")
    bare = build_report(**blocks)
    assert bare.gate is None
    judged = with_gate(bare, Gate.model_validate(gate)).gate
    assert judged is not None
    assert judged.passed


def test_confusion_not_square_is_refused(blocks: dict[str, Any]) -> None:
    blocks["confusion"]["matrix"] = blocks["confusion"]["matrix"][:-1]
    with pytest.raises(ValidationError, match="6 rows of 6 counts"):
        build_report(**blocks)


def test_funnel_step_rows_without_reason_are_unaccounted() -> None:
    step = {"stage": "filter", "in": 10, "out": 6, "dropped": {"empty": 3}}
    assert FunnelStep.model_validate(step).unaccounted == 1
    assert FunnelStep.model_validate({**step, "out": 9, "added": 2}).unaccounted == 0


@pytest.mark.parametrize(("passed", "verdict"), [(True, "passed"), (False, "refused")])
def test_report_of_a_version_without_three_verdicts_is_read(blocks: dict[str, Any], passed: bool, verdict: str):
    rule = {"rule": "comparison.quality_retained >= 0.95", "value": 0.97, "bound": 0.95, "passed": passed}
    old = build_report(**blocks).model_dump(mode="json") | {"gate": {"passed": passed, "rules": [rule]}}
    gate = Report.model_validate(old).gate
    assert gate is not None
    assert (gate.verdict, gate.rules[0].verdict) == (verdict, verdict)
