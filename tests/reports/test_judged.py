"""How a report shows what a judge said."""

from typing import Any

import pytest

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.gate.bounds import decide_number
from stillhouse.inference.models import Checkpoint, Model
from stillhouse.judging.win_rate import tally_each
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.gate import Rule
from stillhouse.recipe.judge import Judge
from stillhouse.recipe.load import parse_recipe
from stillhouse.reports.build import build_report, report_json
from stillhouse.reports.cards import data_card, model_card
from stillhouse.reports.html import render_html
from stillhouse.reports.judged import judge_block
from stillhouse.reports.method import method_statements
from stillhouse.reports.schema.report import Report
from stillhouse.reports.tables import summary_markdown
from stillhouse.reports.terminal import render_terminal
from tests.support.builders import make_recipe_fields
from tests.support.gate import FIRST_LOOK
from tests.support.html_page import ATTACK, Page
from tests.support.scripted_judge import Opinion, always_first, judged, longer

JUDGE = Judge(model="owner/judge", criteria="rhymes")
SETTINGS = Evaluation(metrics=("rouge_l",), resamples=100)
TOOK = GenerationSummary(requests=8, from_store=2, generated=6, prompt_tokens=900, completion_tokens=6, seconds=2.5)
SCORED = {**TOOK.to_record(), "scored": 10, "unreadable": 0, "scores": {"1": 1, "2": 0, "3": 4, "4": 0, "5": 5}}


def block(
    opinion: Opinion = longer, scored: dict[str, Any] | None = None, same_as: tuple[str, ...] = ()
) -> dict[str, Any]:
    lines = judged(["long one", "s", "same", "long two"], ["t", "longer", "same", "t"], opinion)
    return judge_block(JUDGE, "judge-7b", tally_each(lines, SETTINGS), TOOK, scored, same_as)


def local(path: str, sha256: str) -> Checkpoint:
    return Checkpoint(model=Model(kind="folder", path=path, files={"model.safetensors": sha256}), path=path)


def served(name: str) -> Checkpoint:
    return Checkpoint(model=Model(kind="endpoint", path=name), path=name, served={"model": name})


def test_report_json_with_judge_round_trips(plain_blocks):
    report = build_report(**plain_blocks, judge=block(scored=SCORED))
    assert Report.model_validate_json(report_json(report)) == report
    found = report.model_dump(mode="json")["judge"]
    assert found["against"]["teacher"]["win"]["value"] == 0.5
    assert found["against"]["teacher"]["asked"] == 3
    assert found["questions"] == TOOK.counts()
    assert found["scored"]["scores"]["5"] == 5


def test_report_without_judge_shows_no_judge(plain_blocks):
    report = build_report(**plain_blocks)
    assert report.judge is None
    assert "judge" not in render_html(report)
    assert "Judge" not in summary_markdown(report)


def test_page_and_summary_judge_shows_shares_bias_and_usage(plain_blocks):
    report = build_report(**plain_blocks, judge=block(scored=SCORED))
    page = Page(render_html(report)).text
    for shown in (page, summary_markdown(report).replace("\u00a0", " ")):
        assert "judge-7b" in shown
        assert "0.500 [" in shown  # wins
        assert "0.625 [" in shown  # win rate
        assert "3 of 4" in shown
        assert "100 %" in shown
    assert "the one that rhymes" in page
    assert "the teacher" in page
    assert "900" in page


def test_terminal_judge_shows_win_rate_with_agreement(plain_blocks):
    caption = render_terminal(build_report(**plain_blocks, judge=block())).caption
    assert "Judge judge-7b: win rate 0.625 [" in str(caption)
    assert "against the teacher (both orders agree on 100\u00a0%)" in str(caption)
    assert "Judge" not in str(render_terminal(build_report(**plain_blocks)).caption)


def test_page_hostile_judge_name_is_text(plain_blocks):
    hostile = block() | {"name": ATTACK, "criteria": ATTACK, "notes": [ATTACK]}
    report = build_report(**plain_blocks, judge=hostile)
    page = Page(render_html(report))
    assert "script" not in page.tags
    assert page.text.count("alert(1)") >= 3
    assert "<script" not in summary_markdown(report)


def test_judge_block_order_dependent_judge_is_noted():
    assert any("depend on the order" in note for note in block(always_first)["notes"])
    assert not block(longer)["notes"]


def test_judge_block_unreadable_verdicts_are_noted():
    notes = block(lambda first, second: "Hm.")["notes"]
    assert "6 of 6 verdicts against the teacher can't be read" in notes


def test_judge_block_unreadable_scores_are_noted():
    assert block(scored=SCORED | {"unreadable": 2})["notes"] == (
        "2 of 10 scores can't be read; their answers were dropped",
    )
    assert not block(scored=SCORED | {"unreadable": 1})["notes"]


def test_judge_block_judge_that_is_the_teacher_is_noted():
    (note,) = block(same_as=("teacher",))["notes"]
    assert note.startswith("the judge is the teacher")
    assert "2404.13076" in note


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (local("/a/model", "1"), local("/b/other", "1"), True),
        (local("/a/model", "1"), local("/b/model", "2"), False),
        (served("Qwen3-8B"), local("/models/qwen3-8b", "1"), True),
        (served("deepseek-chat"), served("deepseek-chat"), True),
        (served("deepseek-chat"), served("deepseek-reasoner"), False),
    ],
)
def test_is_same_model_compares_files_or_else_names(one, other, expected):
    assert one.is_same_model(other) is expected


def test_gate_rule_on_the_win_rate_is_read(plain_blocks):
    found = build_report(**plain_blocks, judge=block()).model_dump(mode="json")
    rules = (
        Rule(metric="judge.against.teacher.win_rate.value", bound=0.6),
        Rule(metric="judge.against.teacher.loss.value", op="<", bound=0.1),
    )
    assert [decide_number(found, rule, FIRST_LOOK).verdict for rule in rules] == ["passed", "refused"]


def test_method_judge_is_described_only_if_pairs_were_judged():
    made = make_recipe_fields() | {"skill": {"kind": "conversation"}}
    assert "both orders" in method_statements(parse_recipe(made | {"judge": {"model": "owner/judge"}}))["judge"]
    assert "judge" not in method_statements(parse_recipe(made))


def test_cards_judge_licence_only_if_its_scores_filtered(plain_blocks):
    plain_blocks["licences"] |= {"judge": "MIT", "judge_accepted_terms": "openai"}
    chose = build_report(**plain_blocks, judge=block(scored=SCORED))
    for card in (model_card(chose), data_card(chose)):
        assert "judge that chose among its answers: **MIT**" in card
        assert "use of the judge's scores: **OpenAI's terms" in card
    plain_blocks["licences"] |= {"judge_accepted_terms": ""}
    measured = build_report(**plain_blocks, judge=block())
    assert "judge that chose" not in data_card(measured)
