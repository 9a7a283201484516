import json

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stillhouse.evaluation.comparison import gain, quality, quality_retained
from stillhouse.evaluation.roles import best_of
from stillhouse.evaluation.scoring import Scoring
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification

LABELS = ("a", "b")
SETTINGS = Evaluation(resamples=300, metrics=("accuracy", "macro_f1"))
SCORING = Scoring([["a"]] * 5 + [["b"]] * 5, LABELS, SETTINGS, Classification(labels=LABELS))
ANSWERS = {
    "teacher": ["a"] * 5 + ["b"] * 3 + ["a"] * 2,  # 8 right
    "student": ["a"] * 4 + [None] + ["b"] * 2 + ["a"] * 3,  # 6 right
    "zero_shot": ["a"] * 4 + ["b"] + ["a"] * 5,  # 4 right, the first four as the student
}


def test_quality_holds_each_metric_with_its_interval_and_rows():
    found = quality(ANSWERS["teacher"], SCORING)
    # a: TP 5 FP 2 -> 10/12; b: TP 3 FN 2 -> 6/8
    assert found["accuracy"]["value"] == pytest.approx(0.8)
    assert found["macro_f1"]["value"] == pytest.approx((10 / 12 + 6 / 8) / 2)
    for name in ("accuracy", "macro_f1"):
        assert set(found[name]) == {"value", "low", "high", "n"}
        assert found[name]["n"] == 10
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    json.dumps(found, allow_nan=False)


def test_gain_is_the_difference_with_its_exact_p_value():
    found = gain("accuracy", "student", "zero_shot", ANSWERS, SCORING)
    assert found["value"] == pytest.approx(0.2)
    assert found["low"] <= found["value"] <= found["high"]
    assert found["p_value"] == pytest.approx(0.5)  # 2 rows for, none against: 2 / 2 ** 2


def test_gain_of_a_metric_of_all_rows_has_a_test_of_its_own():
    # the oracle: every exchange of the two models' answers, scored by scikit-learn
    references, ours, theirs = list("aaaabbbb"), list("aaaabbbb"), list("aaabaabb")
    scoring = Scoring([[one] for one in references], LABELS, SETTINGS, Classification(labels=LABELS))

    def difference(exchanged: int) -> float:
        swapped = [bool(exchanged >> row & 1) for row in range(8)]
        pairs = [(t, o) if swap else (o, t) for o, t, swap in zip(ours, theirs, swapped, strict=True)]
        one, other = (f1_score(references, answers, average="macro") for answers in zip(*pairs, strict=True))
        return abs(one - other)

    exact = np.mean([difference(exchanged) >= difference(0) - 1e-12 for exchanged in range(256)])
    found = gain("macro_f1", "student", "teacher", {"student": ours, "teacher": theirs}, scoring)
    assert found["p_value"] == pytest.approx(exact, abs=0.08)  # 300 draws


def test_quality_retained_is_the_ratio_of_any_metric():
    assert quality_retained("accuracy", ANSWERS, SCORING, "student").value == pytest.approx(6 / 8)
    value = {name: quality(ANSWERS[name], SCORING)["macro_f1"]["value"] for name in ("student", "teacher")}
    retained = quality_retained("macro_f1", ANSWERS, SCORING, "student")
    assert retained.value == pytest.approx(value["student"] / value["teacher"])


def test_gain_and_quality_retained_without_answers_are_none():
    alone = {"student": ANSWERS["student"]}
    assert gain("accuracy", "student", "zero_shot", alone, SCORING) is None
    assert quality_retained("accuracy", alone, SCORING, "student") is None


def test_best_of_has_the_greatest_value_and_skips_unmeasured_models():
    values = {"student": 0.9, "untrained": 0.2, "zero_shot": 0.4, "equal": 0.4}
    assert best_of(values, ("untrained", "zero_shot", "equal")) == "zero_shot"
    assert best_of(values, ("gone", "untrained")) == "untrained"
    assert best_of(values, ("gone",)) is None
