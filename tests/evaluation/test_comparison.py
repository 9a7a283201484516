import json

import pytest

from stillhouse.evaluation.comparison import better_baseline, compare, quality
from stillhouse.evaluation.scoring import Scoring
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification

LABELS = ("a", "b")
SKILL = Classification(labels=LABELS)
SETTINGS = Evaluation(resamples=300, metrics=("accuracy", "macro_f1"))
REFERENCES = [["a"]] * 5 + [["b"]] * 5
PREDICTIONS = {
    "teacher": ["a"] * 5 + ["b"] * 3 + ["a"] * 2,  # 8 right
    "student": ["a"] * 4 + [None] + ["b"] * 2 + ["a"] * 3,  # 6 right
    "baseline": ["b"] * 5 + ["a"] * 3 + ["b"] * 2,  # 2 right
    "zero_shot": ["a"] * 4 + ["b"] + ["a"] * 5,  # 4 right, the first four as the student
}
BASELINES = ("baseline", "zero_shot")


def measured(name: str, seconds: float, memory: int, rate: float, cost: float | None) -> dict:
    return {
        "quality": quality(PREDICTIONS[name], Scoring(REFERENCES, LABELS, SETTINGS, SKILL)),
        "latency_ms": {"p50": seconds * 1000, "p95": seconds * 2000},
        "peak_memory_bytes": memory,
        "weight_bytes": memory // 2,
        "requests_per_second": rate,
        "cost_usd_per_1k_requests": cost,
    }


@pytest.fixture(scope="module")
def models() -> dict:
    return {
        "teacher": measured("teacher", 0.2, 1000, 10.0, None),
        "student": measured("student", 0.05, 600, 35.0, 0.1),
        "baseline": measured("baseline", 0.05, 600, 35.0, 0.1),
        "zero_shot": measured("zero_shot", 0.2, 1000, 9.0, 0.1),
    }


def block(models: dict, predictions: dict | None = None, settings: Evaluation = SETTINGS) -> dict:
    return compare(
        models,
        PREDICTIONS if predictions is None else predictions,
        BASELINES,
        Scoring(REFERENCES, LABELS, settings, SKILL),
    )


def test_quality_holds_each_metric_with_its_interval_and_rows():
    found = quality(PREDICTIONS["teacher"], Scoring(REFERENCES, LABELS, SETTINGS, SKILL))
    # a: TP 5 FP 2 -> 10/12; b: TP 3 FN 2 -> 6/8
    assert found["accuracy"]["value"] == pytest.approx(0.8)
    assert found["macro_f1"]["value"] == pytest.approx((10 / 12 + 6 / 8) / 2)
    for name in ("accuracy", "macro_f1"):
        assert found[name]["n"] == 10
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert found["accuracy"]["method"] == "Wilson score"


def test_compare_numbers_follow_their_definitions(models):
    found = block(models)
    assert found["primary_metric"] == "accuracy"
    assert found["quality_retained"] == pytest.approx(6 / 8)
    assert found["latency_reduction"] == pytest.approx(0.75)
    assert found["memory_reduction"] == pytest.approx(0.4)
    assert found["throughput_ratio"] == pytest.approx(3.5)
    assert found["cost_reduction"] is None
    json.dumps(found, allow_nan=False)


def test_compare_gain_is_over_the_better_baseline(models):
    found = block(models)
    assert found["baseline"] == "zero_shot"
    assert found["gain_over_baseline"]["value"] == pytest.approx(0.2)
    assert found["gain_over_baseline"]["p_value"] == pytest.approx(0.5)  # 2 rows for, none against: 2 / 2 ** 2


def test_compare_first_metric_of_the_recipe_is_the_primary_one(models):
    settings = Evaluation(resamples=300, metrics=("macro_f1", "accuracy"))
    found = block(models, settings=settings)
    value = {name: models[name]["quality"]["macro_f1"]["value"] for name in models}
    assert found["primary_metric"] == "macro_f1"
    assert found["quality_retained"] == pytest.approx(value["student"] / value["teacher"])
    best = max(value["baseline"], value["zero_shot"])
    assert found["gain_over_baseline"]["value"] == pytest.approx(value["student"] - best)


def test_compare_missing_models_give_null(models):
    found = block({"student": models["student"]}, {"student": PREDICTIONS["student"]})
    assert {name for name, value in found.items() if value is not None} == {"primary_metric"}
    without_latency = {**models, "teacher": {**models["teacher"], "latency_ms": None}}
    assert block(without_latency)["latency_reduction"] is None
    assert block(without_latency)["memory_reduction"] is not None


def test_better_baseline_skips_unmeasured_models(models):
    assert better_baseline(models, BASELINES, "accuracy") == "zero_shot"
    assert better_baseline(models, ("gone", "baseline"), "accuracy") == "baseline"
    assert better_baseline(models, ("gone",), "accuracy") is None
    assert better_baseline({"x": models["student"], "y": models["student"]}, ("y", "x"), "accuracy") == "y"
