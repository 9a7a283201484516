"""The report says what a student kept of its base, and what that cost before training."""

from typing import Any

import pytest

from stillhouse.recipe.training import Training
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.collect import training_block
from stillhouse.reports.html import render_html
from stillhouse.reports.schema.data import StartingPoint
from stillhouse.reports.starting_point import starting_text
from stillhouse.students.cutting.spec import CutSummary
from stillhouse.students.spec import TrainSummary

SUMMARY = {"method": "full", "rows": 1701, "tokens": 9, "steps": 3, "seconds": 1.0, "train_loss": 0.5}
WHOLE = {"layers": 30, "neurons": 1536, "heads": 9, "kv_heads": 3, "head_size": 64}
CUT = {
    "whole": WHOLE,
    "kept": WHOLE | {"layers": 24},
    "layers": list(range(24)),
    "parameters": 113,
    "whole_parameters": 135,
    "embeddings": "model",
    "correction_steps": 0,
    "loss_rows": 64,
    "loss_on_validation": True,
    "loss_whole": 2.1,
    "loss_cut": 6.3,
}


def block_of(**own: Any) -> dict[str, Any]:
    return training_block(TrainSummary(**SUMMARY), Training(), CutSummary(**CUT | own))["cut"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({}, "24 of 30 layers; loss on 64 validation rows 2.100 → 6.300 before training"),
        (
            {"kept": WHOLE | {"neurons": 768, "heads": 3}, "layers": list(range(30)), "loss_on_validation": False},
            "768 of 1,536 feed-forward neurons a layer, 3 of 9 heads a layer; loss on 64 training examples 2.100 → "
            "6.300 before training",
        ),
        (
            {"correction_steps": 20, "loss_corrected": 1.2, "embeddings": "untied"},
            "24 of 30 layers, embeddings untied; loss on 64 validation rows 2.100 → 1.200 by 20 steps of the whole → "
            "6.300 before training",
        ),
    ],
)
def test_starting_text_says_what_is_kept_and_the_losses(own: dict[str, Any], said: str) -> None:
    assert starting_text(StartingPoint(**block_of(**own))) == said


def test_training_block_of_a_whole_student_has_no_cut() -> None:
    assert training_block(TrainSummary(**SUMMARY), Training())["cut"] is None


def test_page_and_card_say_what_the_cut_cost(blocks: dict[str, Any]) -> None:
    plain = build_report(**blocks)
    blocks["training"]["cut"] = block_of()
    cut = build_report(**blocks)
    for show in (render_html, model_card):
        assert "24 of 30 layers; loss on 64 validation rows 2.100 → 6.300 before training" in show(cut)
        assert "Cut" not in show(plain)
