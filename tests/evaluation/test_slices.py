"""Student against teacher on parts of the test rows, and how often they agree."""

import numpy as np
import pytest

from stillhouse.evaluation.agreement import agreement_block
from stillhouse.evaluation.scoring import Scoring, interval
from stillhouse.evaluation.significance import accuracy_interval
from stillhouse.evaluation.slices import paired_scores, slice_block
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification
from stillhouse.skills.summarization import Summarization

LABELS = ("a", "b", "c")
SKILL = Classification(labels=LABELS)


def scoring(truth: list[str], metric: str = "accuracy", clusters: np.ndarray | None = None) -> Scoring:
    return Scoring([[one] for one in truth], LABELS, Evaluation(metrics=(metric,), resamples=2000), SKILL, clusters)


TRUTH = ["a"] * 40 + ["b"] * 40 + ["c"] * 9
# of a the student has 12 wrong that the teacher has right; of b each has 5 of its own wrong
STUDENT = ["b"] * 12 + ["a"] * 28 + ["c"] * 5 + ["b"] * 35 + ["c"] * 9
TEACHER = ["a"] * 40 + ["b"] * 35 + ["a"] * 5 + ["c"] * 9


def test_slice_block_counts_rows_values_and_corrects_over_all_slices():
    half = ["x"] * 44 + ["y"] * 45
    found = slice_block(
        {"label": TRUTH, "half": half, "same": ["s"] * 89}, paired_scores(STUDENT, TEACHER, scoring(TRUTH))
    )
    table = {(one["kind"], one["name"]): one for one in found["table"]}
    assert list(table) == [("label", "a"), ("label", "b"), ("half", "x"), ("half", "y")]
    assert found["too_small"] == {"label": 1}  # nine rows of c
    of_a = table["label", "a"]
    assert of_a["student"] == {**vars(accuracy_interval([True] * 28 + [False] * 12, 0.95))}
    assert of_a["teacher"]["value"] == 1.0
    assert of_a["difference"]["value"] == pytest.approx(-12 / 40)
    # 12 rows against none: 2 * 0.5 ** 12, the second smallest of four; the first half has 4 rows of b more
    assert table["half", "x"]["difference"]["p_corrected"] == pytest.approx(4 * 2 * 0.5**16)
    assert of_a["difference"]["p_value"] == pytest.approx(2 * 0.5**12)
    assert of_a["difference"]["p_corrected"] == pytest.approx(3 * 2 * 0.5**12)
    assert table["label", "b"]["difference"]["p_value"] == 1.0


def test_paired_scores_of_a_metric_of_all_rows_go_by_the_skills_first_of_single_rows():
    scores = paired_scores(STUDENT, TEACHER, scoring(TRUTH, "macro_f1"))
    assert scores.metric == "accuracy"
    assert scores.ours.sum() == 28 + 35 + 9


def test_slice_of_few_groups_is_too_small_whatever_its_rows():
    clusters = np.r_[np.repeat(np.arange(4), 10), 4:53]  # forty rows of a are of four customers
    found = slice_block({"label": TRUTH}, paired_scores(STUDENT, TEACHER, scoring(TRUTH, clusters=clusters)))
    assert [one["name"] for one in found["table"]] == ["b"]
    assert found["too_small"] == {"label": 2}


def test_slice_of_groups_has_an_interval_over_groups():
    clusters = np.r_[np.repeat(np.arange(10), 4), 10:59]
    plain, grouped = (
        slice_block({"label": TRUTH}, paired_scores(STUDENT, TEACHER, scoring(TRUTH, clusters=one)))["table"][0]
        for one in (None, clusters)
    )
    # the twelve wrong rows are three whole customers of ten
    assert grouped["difference"]["p_value"] == pytest.approx(2 * 0.5**3)
    assert plain["difference"]["p_value"] < 0.001
    width = [one["difference"]["high"] - one["difference"]["low"] for one in (plain, grouped)]
    assert width[1] > 1.5 * width[0]


def test_agreement_counts_equal_answers_and_equal_mistakes():
    student, teacher = ["a", "a", None, "b", "c", None], ["a", "b", None, "b", "b", "a"]
    truth = ["a", "a", "a", "a", "a", "a"]
    found = agreement_block(student, teacher, scoring(truth))
    # rows 0, 2 and 3 alike; both wrong are 2, 3 and 4, and the same in 2 and 3
    assert (found["same"]["value"], found["same"]["n"]) == (0.5, 6)
    assert (found["both_wrong"], found["both_wrong_same"]) == (3, 2)
    assert found["same"]["low"] == accuracy_interval([True] * 3 + [False] * 3, 0.95).low


def test_agreement_of_free_text_knows_no_wrong_answers():
    skill = Summarization(kind="summarization")
    free = Scoring([["One."]] * 2, (), Evaluation(metrics=("rouge_l",), resamples=100), skill)
    found = agreement_block(["One.", "Two."], ["One.", "Three."], free)
    assert found["same"]["value"] == 0.5
    assert found["both_wrong"] is None
    assert interval("rouge_l", ["One.", "Two."], free).n == 2
