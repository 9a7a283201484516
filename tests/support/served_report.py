"""The fields of a report with two students, as far as a server reads them."""

from typing import Any

LABELS = ("billing", "delivery", "returns")
_UNKNOWN = ("parameters", "weight_bytes", "peak_memory_bytes", "latency_ms", "tokens_per_second", "requests_per_second",
            "prompt_tokens_mean", "cost_usd_per_1k_requests")  # fmt: skip
_GAIN = dict.fromkeys(("value", "low", "high", "p_value"))
_COMPARED = ("quality_retained", "gain_over_baseline", "latency_reduction", "memory_reduction", "throughput_ratio",
             "cost_reduction")  # fmt: skip
_OF_A_STUDENT = ("quality_retained", "quality_retained_low", "quality_retained_high", "latency_reduction",
                 "throughput_ratio", "memory_reduction", "weight_reduction", "cost_reduction", "validation_accuracy",
                 "validation_rows")  # fmt: skip


def _model(name: str) -> dict[str, Any]:
    return {"name": name, "quality": {}, **dict.fromkeys(_UNKNOWN)}


def _certainty(temperature: float) -> dict[str, Any]:
    return {"temperature": temperature, "rows": 80, "with_reference": 80, "error_before": 0.1, "error": 0.05}


def _cascade(threshold: float) -> dict[str, Any]:
    quality = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100}
    gains = {"gain_over_teacher": _GAIN, "gain_over_student": _GAIN}
    blend = {"handed_back": 0.2, "relative_cost": 0.3, "cost_of": "time", "latency_ms": None, "curve": []}
    return {"threshold": threshold, "quality": quality, **gains, **blend}


def recipe_fields() -> dict[str, Any]:
    """Return the recipe as a report has it."""
    return {
        "name": "tickets",
        "skill": {"kind": "classification", "labels": list(LABELS), "student_instruction": "Sort it."},
        "data": {"max_prompt_chars": 900},
        "teachers": [{"model": "first", "name": "one"}, {"model": "second", "name": "two"}],
        "students": [{"model": "./small", "name": ""}, {"model": "./encoder", "name": "quick"}],
        "evaluation": {"max_tokens": 24, "student_dtype": "float32", "teacher": "two", "engine": {"kv_cache_gib": 0.5}},
    }


def report_fields(run_id: str = "tickets-20261128-100000-aaaaaaaa") -> dict[str, Any]:
    """Return the report: the first student writes, the second is an encoder."""
    own = dict.fromkeys(_OF_A_STUDENT)
    students = {
        "student": {"name": "small", "kind": "causal_lm", "certainty": _certainty(1.7), "cascade": _cascade(0.42)},
        "student_2": {"name": "quick", "kind": "encoder", "certainty": _certainty(0.8), "cascade": None},
    }
    return {
        "run_id": run_id,
        "recipe": recipe_fields(),
        "skill": "classification",
        **dict.fromkeys(("data", "generation", "filter", "training", "gate")),
        "models": {"teacher": _model("two"), "baseline": None, "student": _model("s"), "student_2": _model("e")},
        "comparison": {"primary_metric": "accuracy", **dict.fromkeys(_COMPARED)},
        "students": {role: own | fields for role, fields in students.items()},
        "stages": {},
        "confusion": {"labels": list(LABELS), "matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]},
    }
