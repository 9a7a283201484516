import evaluate
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.evaluation.comparison import quality
from stillhouse.evaluation.metrics import AnswerMetric, score
from stillhouse.evaluation.scoring import Scoring, readable_answers
from stillhouse.metrics.labels import ACCURACY, macro_f1
from stillhouse.metrics.metric import Metric
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification

LABELS = ("a", "b", "c")
SKILL = Classification(labels=LABELS)
BOTH = ("accuracy", "macro_f1")


def one_each(gold: str) -> list[list[str]]:
    return [[label] for label in gold]


def test_score_hand_computed_case():
    # gold a a b b c, answered a b b None c
    # a: TP 1 FP 0 FN 1 -> 2/3; b: TP 1 FP 1 FN 1 -> 1/2; c: TP 1 -> 1
    values = score(BOTH, ["a", "b", "b", None, "c"], one_each("aabbc"), LABELS, SKILL)
    assert values == pytest.approx({"accuracy": 3 / 5, "macro_f1": (2 / 3 + 1 / 2 + 1) / 3})


def test_score_returns_the_named_metrics_only():
    assert list(score(["macro_f1"], ["a"], one_each("a"), LABELS, SKILL)) == ["macro_f1"]


def test_score_answer_outside_the_labels_is_as_wrong_as_none():
    gold = one_each("abc")
    assert score(BOTH, ["a", "zzz", "c"], gold, LABELS, SKILL) == score(BOTH, ["a", None, "c"], gold, LABELS, SKILL)


def test_score_label_without_a_gold_row_does_not_weigh():
    assert score(BOTH, ["a", "b"], one_each("ab"), LABELS, SKILL) == {"accuracy": 1.0, "macro_f1": 1.0}
    # a wrong answer with such a label is a miss of the gold one: a has TP 1 FN 1
    assert score(BOTH, ["a", "c"], one_each("aa"), LABELS, SKILL) == pytest.approx({"accuracy": 0.5, "macro_f1": 2 / 3})


def test_score_any_accepted_reference_is_right():
    values = score(BOTH, ["b", "a"], [["a", "b"], ["a", "b"]], LABELS, SKILL)
    assert values == {"accuracy": 1.0, "macro_f1": 1.0}


def test_score_everything_unparsable_is_zero():
    assert score(BOTH, [None, None], one_each("ab"), LABELS, SKILL) == {"accuracy": 0.0, "macro_f1": 0.0}


def test_score_rows_without_gold_are_refused():
    with pytest.raises(ValueError, match=r"rows \[1\] have no reference"):
        score(BOTH, ["a", "a"], [["a"], []], LABELS, SKILL)
    with pytest.raises(ValueError, match="0 answers for 0 rows"):
        score(BOTH, [], [], LABELS, SKILL)
    with pytest.raises(ValueError, match="1 answers for 2 rows"):
        score(BOTH, ["a"], one_each("ab"), LABELS, SKILL)


def test_answer_metric_combines_with_a_metric_of_the_users_own():
    length = Metric("length", "mean", lambda answer, references, skill: float(len(answer or "")), "length")
    combined = evaluate.combine([AnswerMetric(metric, SKILL) for metric in (ACCURACY, length)])
    assert combined.compute(predictions=["a", "bbb"], references=[["a"], ["b"]]) == {"accuracy": 0.5, "length": 2.0}


def macro_f1_by_definition(answers: list[str], gold: list[str]) -> float:
    answer, truth = np.array(answers), np.array(gold)
    values = []
    for label in sorted(set(gold)):
        precision_of, recall_of = answer == label, truth == label
        right = float(np.sum(precision_of & recall_of))
        precision = right / precision_of.sum() if precision_of.any() else 0.0
        recall = right / recall_of.sum()
        values.append(2 * precision * recall / (precision + recall) if right else 0.0)
    return float(np.mean(values))


pairs = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None, "zz"]), st.sampled_from("abc")), min_size=1, max_size=30
)


@given(pairs)
def test_macro_f1_metric_and_its_resampled_form_follow_the_definition(rows):
    answers, gold = [answer for answer, _ in rows], [label for _, label in rows]
    readable = readable_answers(answers, one_each(gold), LABELS, SKILL)
    assert set(readable) <= {*LABELS, None}
    expected = macro_f1_by_definition([answer or "?" for answer in readable], gold)
    assert score(["macro_f1"], answers, one_each(gold), LABELS, SKILL)["macro_f1"] == pytest.approx(expected)
    assert macro_f1(readable, one_each(gold))(np.arange(len(rows))) == pytest.approx(expected)


def test_macro_f1_statistic_on_repeated_rows_is_that_of_the_repeated_data():
    answers, gold, rows = ["a", "b", "a", "c"], ["a", "b", "b", "c"], [0, 0, 2, 2, 1]
    repeated = macro_f1_by_definition([answers[i] for i in rows], [gold[i] for i in rows])
    assert macro_f1(answers, one_each(gold))(np.array(rows)) == pytest.approx(repeated)


@given(st.lists(st.tuples(st.sampled_from([*LABELS, "other", None]), st.sampled_from(LABELS)), min_size=1, max_size=12))
def test_quality_of_a_model_is_what_the_library_gives(rows):
    answers, gold = [answer for answer, _ in rows], one_each([label for _, label in rows])
    settings = Evaluation(metrics=BOTH, resamples=100)
    found = quality(answers, Scoring(gold, LABELS, settings, SKILL))
    assert {name: one["value"] for name, one in found.items()} == score(BOTH, answers, gold, LABELS, SKILL)
