"""How many hand labels the teacher is worth, from the answers of draws to block, sentence and chart."""

import re
from typing import Any

import pytest

from stillhouse.evaluation.alternatives.label_curve import Drawn, LabelCurveSummary
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.html import render_html
from stillhouse.reports.label_worth import label_worth_block
from stillhouse.reports.label_worth_chart import label_worth_chart
from stillhouse.reports.label_worth_text import label_worth_text
from stillhouse.reports.tables import summary_markdown
from tests.support.builders import make_recipe_fields, make_row
from tests.support.html_page import ATTACK, Page

TFIDF, ENCODER = ModelRole.TFIDF_LOGISTIC_REGRESSION, ModelRole.ENCODER_LOGISTIC_REGRESSION
ROWS = 40


def right(share: float) -> list[str]:
    """Answers of which the first `share` are right; every reference is "car"."""
    return ["car" if at < share * ROWS else "pet" for at in range(ROWS)]


def block(student: float, *, examples: float = 0.0, metric: str = "accuracy", classes: int = 2) -> dict[str, Any]:
    """The block of a curve 0.25, 0.5 at 1 and 2 labels a class, and 0.75 at all 8 labels of two classes."""
    drawn = [Drawn(TFIDF, size, size * 2, order, right(0.25 * size)) for size in (1, 2) for order in range(3)]
    answers = {ModelRole.STUDENT: right(student), ModelRole.ENCODER_ON_TRAINING_EXAMPLES: right(examples)}
    rows = [make_row(str(at), "car") for at in range(ROWS)]
    evidence = Evidence(rows, ("car", "pet", "van"), answers | {TFIDF: right(0.75)}, {})
    recipe = parse_recipe(make_recipe_fields({"model": "owner/t"}, evaluation={"metrics": [metric], "encoder": None}))
    summary = LabelCurveSummary(
        labelled=8,
        classes=("car", "pet")[:classes],
        rows=8,
        not_measured="" if classes > 1 else "the 8 labels hold 1 different, and it takes two",
    )
    return label_worth_block(drawn, summary, evidence, recipe, ModelRole.STUDENT)


def text_of(blocks: dict[str, Any], found: dict[str, Any]) -> str:
    return label_worth_text(build_report(**blocks, label_worth=found)).replace("\u00a0", " ")


def test_block_ends_in_the_alternative_on_all_labels_and_crosses_between_sizes() -> None:
    found = block(student=0.625)
    assert [(at["labels"], at["labels_a_class"], at["draws"], at["value"]) for at in found["best"]] == [
        (2, 1, 3, 0.25),
        (4, 2, 3, 0.5),
        (8, 4, 1, 0.75),
    ]
    assert found["student"]["value"] == pytest.approx({"labels": 32**0.5, "labels_a_class": 8**0.5, "beyond": ""})
    assert found["student"]["low"]["labels"] <= 32**0.5 <= found["student"]["high"]["labels"]
    assert found["best_taught"] == found["student"]
    assert found["lacking"] == ["van"]


def test_block_of_a_metric_over_all_rows_is_of_the_mean_over_draws() -> None:
    # all references are one label: F1 = 2 p / (1 + p) at share p of right answers
    found = block(student=0.625, metric="macro_f1")
    assert [at["value"] for at in found["best"]] == pytest.approx([0.4, 2 / 3, 6 / 7])
    assert found["student"]["quality"] == pytest.approx(1.25 / 1.625)


@pytest.mark.parametrize(
    ("student", "says"),
    [
        (0.625, "takes about 6 hand labels, 2.83 a class ["),
        (0.8, "takes more than all 8 labels you have (4 a class), with which 0.750 is reached [4, more than all"),
        (1.0, "takes more than all 8 labels you have (4 a class), with which 0.750 is reached."),
        (0.0, "takes no more than 1 a class, which gives 0.250 already."),
    ],
)
def test_text_names_the_number_or_the_honest_end(blocks: dict[str, Any], student: float, says: str) -> None:
    said = text_of(blocks, block(student))
    assert said.startswith("How many hand labels is this teacher worth? From its training examples the student reaches")
    assert says in said
    assert said.endswith("No labelled row has the label van: the ways without a teacher never answer it.")


def test_text_names_the_best_learner_of_the_examples_and_the_student(blocks: dict[str, Any]) -> None:
    said = text_of(blocks, block(student=0.5, examples=0.625))
    assert "From the same training examples a frozen sentence encoder reaches accuracy 0.625." in said
    assert "The student, 0.500: about 4 hand labels, 2 a class [" in said


def test_text_without_a_curve_says_why(blocks: dict[str, Any]) -> None:
    found = block(student=0.5, classes=1)
    assert "Not measured: the 8 labels hold 1 different, and it takes two." in text_of(blocks, found)
    assert label_worth_chart(build_report(**blocks, label_worth=found)) is None
    assert label_worth_text(build_report(**blocks)) == ""


def test_page_and_summary_show_curve_and_sentence(blocks: dict[str, Any]) -> None:
    found = block(student=0.625, examples=0.7) | {"lacking": [ATTACK]}
    report = build_report(**blocks, label_worth=found)
    html = render_html(report)
    page = Page(html)
    assert page.tags.count("svg") == 6
    assert "script" not in page.tags
    assert "How many hand labels" in page.text
    assert "about 6 hand labels" in summary_markdown(report)
    for shown in ("Student 0.625", "Encoder, examples 0.700", "hand labels a class", "accuracy"):
        assert shown in str(label_worth_chart(report))
    drawn = set(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]+|black|white)"', html))
    assert drawn <= set(re.findall(r'\.chart \[(?:fill|stroke)="(#[0-9a-f]+)"\]', html))
    idents = [value for name, value in page.attributes if name == "id"]
    assert len(idents) == len(set(idents))


def test_chart_of_a_single_size_has_its_point(blocks: dict[str, Any]) -> None:
    found = block(student=0.625)
    alone = {"best": found["best"][-1:], "learners": {TFIDF: found["learners"][TFIDF][-1:]}}
    assert "Student 0.625" in str(label_worth_chart(build_report(**blocks, label_worth=found | alone)))
