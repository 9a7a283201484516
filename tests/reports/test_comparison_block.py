import pytest
from sklearn.metrics import accuracy_score, f1_score

from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import BASELINES, ModelRole
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.collect import model_blocks
from stillhouse.reports.comparison import comparison_block
from stillhouse.reports.html import render_html
from stillhouse.reports.tables import summary_markdown
from tests.support.builders import make_recipe_fields, make_row


@pytest.mark.parametrize("better", BASELINES)
def test_comparison_block_gain_is_over_the_better_baseline_by_the_first_metric(better: ModelRole) -> None:
    (worse,) = set(BASELINES) - {better}
    evaluation = {"metrics": ["macro_f1", "accuracy"]}
    recipe = parse_recipe(make_recipe_fields(evaluation=evaluation))
    evidence = Evidence(
        rows=[{"id": f"r{n}", "references": [label]} for n, label in enumerate("aaab")],
        labels=("a", "b"),
        answers={
            ModelRole.STUDENT: list("aaab"),
            # by accuracy the worse one is ahead: 3/4 against 2/4
            worse: list("aaaa"),
            better: list("abbb"),
        },
        measurements={},
    )

    comparison, which = comparison_block(evidence, model_blocks(evidence, {}, recipe), recipe, ModelRole.STUDENT)

    assert which == better
    assert comparison["primary_metric"] == "macro_f1"
    # F1 of a: 2 * 1 / (1 + 3) = 1/2; of b: 2 * 1 / (3 + 1) = 1/2. The other's: 6/7 and 0, which is 3/7
    assert comparison["gain_over_baseline"]["value"] == pytest.approx(1 - 1 / 2, abs=1e-12)
    assert comparison["gain_over"][worse]["value"] == pytest.approx(1 - 3 / 7, abs=1e-12)


CALL = '<tool_call>\n{"name":"f","arguments":{"a":1}}\n</tool_call>'


@pytest.mark.parametrize("reference", [CALL, "Sun."])
def test_report_shows_the_rows_that_calls_are_measured_on_or_why_they_are_not(blocks, reference) -> None:
    fields = make_recipe_fields(evaluation={}) | {"skill": {"kind": "conversation"}}
    recipe = parse_recipe(fields)
    evidence = Evidence(
        rows=[{"id": "a", "references": ["Rain."]}, {"id": "b", "references": [reference]}],
        labels=(),
        answers={ModelRole.STUDENT: ["Rain.", CALL], ModelRole.TEACHER: ["Rain.", reference]},
        measurements={},
    )
    measured = model_blocks(evidence, {}, recipe)
    comparison, _ = comparison_block(evidence, measured, recipe, ModelRole.STUDENT)
    changed = {"models": {**dict.fromkeys(("teacher", "student", "baseline")), **measured}, "comparison": comparison}
    report = build_report(**{**blocks, **changed, "confusion": None, "skill": "conversation"})

    shown = [
        text.replace("\u00a0", " ") for text in (render_html(report), summary_markdown(report), model_card(report))
    ]

    if reference == CALL:
        assert report.models.student.quality["tool_call_arguments"].n == 1
        assert "n = 1<" in shown[0]
        assert all("1.000 [0.207, 1.000], n = 1 |" in text for text in shown[1:])  # 1 / (1 + z ** 2)
        assert not any("no reference calls" in text for text in shown)
    else:
        assert "tool_call_arguments" not in report.models.student.quality
        why = "ool names, tool names and arguments: not measured, no reference calls a tool"
        assert all(why in text for text in shown)


def test_comparison_block_corrects_the_alternatives_as_one_family():
    recipe = parse_recipe(make_recipe_fields(evaluation={"resamples": 200}))
    rows = [make_row(str(n), "a" if n % 2 else "b") for n in range(40)]

    def answers(wrong: int) -> list[str]:
        return ["a" if (n % 2 == 1) != (n < wrong) else "b" for n in range(40)]

    wrong = {"student": 2, "teacher": 1, "student_labelled_only": 9, "encoder_logistic_regression": 8}
    wrong |= {"tfidf_on_training_examples": 2, "baseline_untrained": 20}
    evidence = Evidence(rows, ("a", "b"), {ModelRole(role): answers(number) for role, number in wrong.items()}, {})
    block, _ = comparison_block(evidence, model_blocks(evidence, {}, recipe), recipe, ModelRole.STUDENT)

    gains = block["gain_over"]
    assert block["strongest_alternative"] == "encoder_logistic_regression"
    assert block["gain_over_strongest"] == gains["encoder_logistic_regression"]
    # six and seven rows for the student and none against: 2 / 2 ** 6 and 2 / 2 ** 7, of three comparisons
    assert gains["encoder_logistic_regression"]["p_value"] == pytest.approx(2 / 64)
    assert gains["student_labelled_only"]["p_corrected"] == pytest.approx(3 * 2 / 128)
    assert gains["encoder_logistic_regression"]["p_corrected"] == pytest.approx(2 * 2 / 64)
    assert gains["tfidf_on_training_examples"]["p_corrected"] == 1.0
    assert gains["encoder_logistic_regression"]["corrected_low"] <= gains["encoder_logistic_regression"]["low"]
    # baselines and teacher are no part of the question
    assert not {"p_corrected"} & {*gains["baseline_untrained"], *gains["teacher"]}


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_comparison_block_commonest_label_is_the_best_single_answer(metric: str):
    labels, skewed = ("a", "b", "c"), ["a"] * 3 + ["b"] * 5 + ["c"] * 2
    rows = [{"id": f"r{n}", "references": [label]} for n, label in enumerate(skewed)]
    student = ["b"] * 5 + ["b", "a", "b", "c", "c"]
    evidence = Evidence(rows, labels, {ModelRole.STUDENT: student, ModelRole.TEACHER: skewed}, {})
    evaluation = {"metrics": [metric], "resamples": 200}
    recipe = parse_recipe(make_recipe_fields(skill={"labels": list(labels)}, evaluation=evaluation))
    block, _ = comparison_block(evidence, model_blocks(evidence, {}, recipe), recipe, ModelRole.STUDENT)
    of_each = {
        label: {
            "accuracy": accuracy_score(skewed, [label] * 10),
            "macro_f1": f1_score(skewed, [label] * 10, average="macro", zero_division=0),
        }[metric]
        for label in labels
    }
    found = block["commonest_label"]
    assert (found["label"], found["quality"]) == ("b", pytest.approx(max(of_each.values())))
    theirs = accuracy_score(skewed, student) if metric == "accuracy" else f1_score(skewed, student, average="macro")
    assert found["gain_over"]["value"] == pytest.approx(theirs - found["quality"])
