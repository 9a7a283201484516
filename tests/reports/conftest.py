import copy
from typing import Any

import pytest

from stillhouse.reports.build import build_report
from stillhouse.reports.html import render_html

LABELS = ["refund_request", "delivery_delay", "damaged_item", "account_access", "invoice_question", "cancel_order"]
MATRIX = [[61, 1, 2, 0, 3, 1], [0, 64, 1, 0, 0, 2], [4, 2, 58, 0, 1, 0], [0, 0, 0, 66, 1, 0], [5, 0, 0, 2, 57, 2],
          [2, 3, 0, 1, 0, 61]]  # fmt: skip


def _quality(value: float, low: float, high: float, f1: float) -> dict[str, Any]:
    accuracy = {"value": value, "low": low, "high": high, "n": 400}
    return {
        "accuracy": accuracy,
        "macro_f1": {"value": f1, "low": f1 - value + low, "high": f1 - value + high, "n": 400},
    }


def _model(name: str, quality: dict[str, Any], p50: float, p95: float, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "parameters": 134_515_008,
        "weight_bytes": 269_030_016,
        "peak_memory_bytes": 1_942_323_200,
        "engine_floor_bytes": 1_181_116_006,
        "quality": quality,
        "latency_ms": {"p50": p50, "p95": p95, "n": 50},
        "tokens_per_second": 29.4,
        "requests_per_second": 6.63,
        "prompt_tokens_mean": 338.6,
        "cost_usd_per_1k_requests": None,
        "engine": "vLLM",
        **fields,
    }


SMALL = {
    "parameters": 63_704_640,
    "weight_bytes": 127_409_280,
    "peak_memory_bytes": 1_516_204_032,
    "tokens_per_second": 147.1,
    "requests_per_second": 33.04,
    "prompt_tokens_mean": 34.8,
}
UNSERVED = dict.fromkeys(("parameters", "weight_bytes", "peak_memory_bytes", "engine_floor_bytes", "latency_ms"))
UNSERVED |= dict.fromkeys(("tokens_per_second", "requests_per_second", "prompt_tokens_mean"))


def _models() -> dict[str, Any]:
    zero_shot = _model("SmolLM2-135M-Instruct", _quality(0.488, 0.440, 0.537, 0.431), 468.2, 541.9,
                       prompt_tokens_mean=109.3, requests_per_second=9.84)  # fmt: skip
    tfidf = _model("scikit-learn", _quality(0.823, 0.784, 0.859, 0.817), 0, 0, **{**UNSERVED, "engine": None})
    return {
        "teacher": _model("SmolLM2-135M-Instruct + 8 examples", _quality(0.943, 0.918, 0.963, 0.940), 745.3, 871.6),
        "student": _model(
            "SmolLM2-135M-Instruct, 10 of 30 layers", _quality(0.918, 0.889, 0.943, 0.914), 164.8, 198.4, **SMALL
        ),
        "baseline": {**zero_shot, "which": "baseline_zero_shot"},
        "baseline_zero_shot": zero_shot,
        "baseline_untrained": _model(
            "SmolLM2-135M-Instruct, 10 of 30 layers", _quality(0.163, 0.128, 0.201, 0.147), 166.1, 201.0, **SMALL
        ),
        "student_labelled_only": _model(
            "SmolLM2-135M-Instruct, 10 of 30 layers", _quality(0.795, 0.754, 0.833, 0.789), 165.2, 199.7, **SMALL
        ),
        "tfidf_logistic_regression": tfidf,
    }


PASSED = {"passed": True, "verdict": "passed"}

BLOCKS: dict[str, Any] = {
    "run_id": "2025-06-03T09-14-22-amber-otter",
    "skill": "classification",
    "recipe": {
        "name": "support-intents",
        "skill": {"kind": "classification", "labels": LABELS},
        "data": {"train": {"path": "data/support/messages.jsonl", "licence": "CC0-1.0"}},
        "teachers": [{"model": "SmolLM2-135M-Instruct", "prompt": {"examples": 8}}],
        "student": {"model": "SmolLM2-135M-Instruct", "layers": 10},
        "training": {"epochs": 3.0, "learning_rate": 0.0005},
        "gate": {"rules": [{"metric": "comparison.quality_retained", "op": ">=", "bound": 0.92}]},
    },
    "data": {
        "read": 1312,
        "quarantined": 2,
        "dropped": {"exact_duplicate": 6, "near_duplicate": 11, "prompt_too_long": 1},
        "train": 772,
        "validation": 86,
        "test": 400,
        "labelled": 60,
        "balance": {
            "before": dict(zip(LABELS, [190, 164, 121, 104, 102, 91], strict=True)),
            "after": dict(zip(LABELS, [150, 150, 121, 104, 102, 91], strict=True)),
        },
    },
    "generation": {
        "requests": 744,
        "from_store": 86,
        "generated": 658,
        "prompt_tokens": 222_798,
        "completion_tokens": 3342,
        "seconds": 102.7,
        "tokens_per_second": 32.54,
        "cost_usd": None,
    },
    "filter": {"in": 744, "kept": 701, "dropped": {"truncated": 3, "low_confidence": 40}},
    "training": {
        "rows": 701,
        "tokens": 27_412,
        "steps": 264,
        "seconds": 311.2,
        "train_loss": 0.0412,
        "validation_loss": 0.2231,
        "method": "full",
    },
    "models": _models(),
    "comparison": {
        "primary_metric": "accuracy",
        "quality_retained_low": 0.947,
        "quality_retained_high": 1.0,
        "gain_over_baseline": {"value": 0.430, "low": 0.378, "high": 0.480, "p_value": 0.0002},
        "gain_over": {
            "student_labelled_only": {
                "value": 0.123,
                "low": 0.084,
                "high": 0.161,
                "p_value": 0.0004,
                "p_corrected": 0.0008,
            },
            "tfidf_logistic_regression": {
                "value": 0.095,
                "low": 0.058,
                "high": 0.133,
                "p_value": 0.0006,
                "p_corrected": 0.0008,
            },
        },
    },
    "gate": {
        "passed": True,
        "verdict": "passed",
        "rules": [
            {"rule": "comparison.quality_retained >= 0.92", "value": 0.9735, "bound": 0.92, **PASSED},
            {"rule": "comparison.gain_over_baseline.low > 0", "value": 0.378, "bound": 0.0, **PASSED},
            {"rule": "comparison.latency_reduction >= 0.6", "value": 0.7789, "bound": 0.6, **PASSED},
        ],
    },
    "stages": {
        name: {"seconds": took, "cached": cached, "fingerprint": f"{index:x}" * 8 + "c0ffee" * 9 + "42"}
        for index, (name, took, cached) in enumerate(
            [
                ("read", 0.31, True),
                ("validate", 1.84, True),
                ("split", 0.42, True),
                ("balance", 0.38, True),
                ("generate", 141.6, False),
                ("filter", 0.77, False),
                ("train", 348.9, False),
                ("evaluate", 702.5, False),
            ],
            1,
        )
    },
    "method": {
        "quality": "Every model answers every test row once, greedily; intervals from 2,000 paired resamples.",
        "latency": "50 single requests with distinct test rows after 10 warm ones, from messages to parsed answer; "
        "prefix caching off, models interleaved, retrieval of examples included.",
        "throughput": "All test rows at once, 64 in flight.",
        "memory": "Peak proportional set size of the engine's process tree; one KV cache size for all models.",
    },
    "funnel": [
        {"stage": "read", "in": 1312, "out": 1310, "dropped": {"bad_json": 2}},
        {
            "stage": "validate",
            "in": 1310,
            "out": 1292,
            "dropped": {"near_duplicate": 11, "exact_duplicate": 6, "prompt_too_long": 1},
        },
        {"stage": "split", "in": 1292, "out": 1258, "dropped": {"contaminated": 34}},
        {"stage": "balance", "in": 772, "out": 718, "dropped": {"over_cap": 54}},
        {"stage": "generate", "in": 744, "out": 744},
        {"stage": "filter", "in": 744, "out": 701, "dropped": {"low_confidence": 40, "truncated": 3}},
    ],
    "curves": [{"step": step, "train_loss": 2.3 * 0.972**step + 0.04} for step in range(4, 265, 4)]
    + [{"step": step, "validation_loss": 1.4 * 0.978**step + 0.22} for step in range(44, 265, 44)],
    "confusion": {"labels": LABELS, "matrix": MATRIX},
    "disagreements": [
        {
            "prompt": "I was charged twice and nobody has got back to me since Tuesday. Can this be put right?",
            "reference": "invoice_question",
            "teacher": "invoice_question",
            "student": "refund_request",
            "teacher_right": True,
            "student_right": False,
        },
        {
            "prompt": "The box turned up but the lid is in three pieces, please send the money instead",
            "reference": "refund_request",
            "teacher": "damaged_item",
            "student": "refund_request",
        },
        {
            "prompt": "don't bother shipping it any more",
            "reference": None,
            "teacher": "cancel_order",
            "student": "delivery_delay",
        },
    ],
    "mislabelled": [
        {
            "prompt": "My code to sign in never arrives",
            "label": "delivery_delay",
            "suggested": "account_access",
            "confidence": 0.97,
        }
    ],
    "licences": {
        "data": {"train": "CC0-1.0", "examples": "CC0-1.0", "test": "CC0-1.0"},
        "teacher": "Apache-2.0",
        "student_base": "Apache-2.0",
    },
    "provenance": {
        "versions": {"vllm": "0.32.0", "torch": "2.13.0", "trl": "1.16.0"},
        "cpu_count": 2,
        "memory_bytes": 25_769_803_776,
        "platform": "Linux x86-64",
        "commit": "4f2c1d9",
        "created_at": "2025-06-03 09:37 UTC",
    },
}


@pytest.fixture
def blocks() -> dict[str, Any]:
    """A realistic run as the flow hands it in; a fresh copy, so that a test may change it."""
    return copy.deepcopy(BLOCKS)


@pytest.fixture(scope="session")
def html() -> str:
    """The page of that run: its five charts take a third of a second."""
    return render_html(build_report(**copy.deepcopy(BLOCKS)))


@pytest.fixture
def plain_blocks(blocks: dict[str, Any]) -> dict[str, Any]:
    """The same run with little to draw, for tests of the page's words: a chart costs a third of a second."""
    blocks |= {"curves": [], "funnel": [], "confusion": None}
    for model in blocks["models"].values():
        model["latency_ms"] = None
    return blocks
