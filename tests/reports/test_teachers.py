"""How a report shows several teachers, and that one teacher leaves it as it was."""

from typing import Any

import pytest

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.dataset.summary import TeacherCounts
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import data_card, model_card
from stillhouse.reports.collect import model_blocks
from stillhouse.reports.html import render_html
from stillhouse.reports.method import method_statements
from stillhouse.reports.tables import summary_markdown
from stillhouse.reports.teachers import teacher_blocks
from tests.support.builders import make_routed_fields

ASKED = GenerationSummary(
    requests=40, from_store=10, generated=30, prompt_tokens=900, completion_tokens=60, seconds=4.0
)
NOT_ASKED = GenerationSummary()
COSTS = {"small": 0.5, "large": None, "unused": 0.0}
JUDGED = [
    TeacherCounts(num_in=40, kept=30, dropped={"unparsable": 10}, prompts=40, usable=30),
    TeacherCounts(num_in=10, kept=10, dropped={}, prompts=10, usable=10),
    TeacherCounts(num_in=0, kept=0, dropped={}, prompts=0, usable=0),
]


@pytest.fixture
def taught(plain_blocks: dict[str, Any]) -> dict[str, Any]:
    """A run of three teachers, of which the last was not needed."""
    asked = {"small": ASKED, "large": ASKED, "unused": NOT_ASKED}
    plain_blocks["generation"] |= {"teachers": teacher_blocks(asked, COSTS, JUDGED)}
    plain_blocks["licences"] |= {
        "teachers": [
            {"name": "small", "model": "small-1B", "licence": "MIT"},
            {"name": "gpt-5", "model": "gpt-5", "licence": "unknown", "accepted_terms": "openai"},
        ]
    }
    return plain_blocks


def test_teacher_blocks_shares_sum_to_one_and_ratios_are_per_teacher():
    blocks = teacher_blocks({"small": ASKED, "large": ASKED, "unused": NOT_ASKED}, COSTS, JUDGED)
    assert [block["share"] for block in blocks.values()] == [0.75, 0.25, 0.0]
    assert [block["success_ratio"] for block in blocks.values()] == [0.75, 1.0, None]
    assert [block["cost_usd"] for block in blocks.values()] == [0.5, None, 0.0]
    assert teacher_blocks({"unused": NOT_ASKED}, COSTS, JUDGED[2:])["unused"]["share"] is None


def test_page_and_summary_several_teachers_have_a_table(taught: dict[str, Any]):
    report = build_report(**taught)
    page, text = render_html(report), summary_markdown(report).replace("\u00a0", " ")
    assert '<th scope="row">unused</th>' in page
    assert "Teachers <small>" in page
    assert "| small | 40 | 75 % | 30 | 75 % | 40 | 10 | 900 / 60 | 4.0 s | $0.50 |" in text
    assert "| unused | 0 | – | 0 | 0 % | 0 | 0 | 0 / 0 | 0.0 s | $0.00 |" in text


def test_page_one_teacher_has_no_teachers_table(plain_blocks: dict[str, Any]):
    report = build_report(**plain_blocks)
    assert "Teachers <small>" not in render_html(report)
    assert "usable" not in summary_markdown(report)
    assert "## Teachers" not in model_card(report) + data_card(report)


def test_cards_several_teachers_each_with_licence_and_terms(taught: dict[str, Any]):
    report = build_report(**taught)
    for card in (model_card(report), data_card(report)):
        assert "small (small-1B), gpt-5" in card
        assert "- teacher small: **MIT**" in card
        assert "- teacher gpt-5: **unknown** (not stated; look it up and set `teachers[1].licence`)" in card
        assert "use of the teacher's output (gpt-5): **OpenAI's terms forbid" in card
        assert "| small | 40 |" in card


def test_method_several_teachers_names_the_measured_one():
    fields = make_routed_fields(routing={"kind": "fallback"})
    said = method_statements(parse_recipe(fields))["teachers"]
    assert said.startswith("small, large answered, routing fallback, mixing keep_all.")
    assert "The teacher of the comparison is small, by itself" in said
    other = method_statements(parse_recipe(fields | {"evaluation": {"teacher": "large"}}))["teachers"]
    assert "The teacher of the comparison is large, by itself: as evaluation.teacher says." in other
    best = method_statements(parse_recipe(fields).comparing_with(1), {"small": 0.25, "large": 0.5})["teachers"]
    assert "is large, by itself: the best of them on the test rows (accuracy: small 0.250, large 0.500)" in best


@pytest.mark.parametrize(
    ("qualities", "expected"),
    [
        (None, "this is large; the student may learn from small too, not measured (evaluation.teacher)"),
        (
            {"small": 0.25, "large": 0.5},
            "this is large, the best of the teachers on the test rows; accuracy of the others: small 0.250",
        ),
    ],
    ids=["named", "best"],
)
def test_model_blocks_of_several_teachers_say_which_was_measured(qualities: dict[str, float] | None, expected: str):
    recipe = parse_recipe(make_routed_fields(evaluation={"teacher": "large"}))
    rows = [{"id": "r0", "references": ["a"]}]
    evidence = Evidence(rows, ("a", "b"), {role: ["a"] for role in (ModelRole.STUDENT, ModelRole.TEACHER)}, {})
    blocks = model_blocks(evidence, {}, recipe, qualities)
    (note,) = blocks[ModelRole.TEACHER]["notes"]
    assert note == expected
    assert blocks[ModelRole.STUDENT]["notes"] == ()
