"""The report says how the student learnt the teacher's probabilities of the labels."""

from typing import Any

from stillhouse.recipe.training import SoftLabels, Training
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.collect import training_block
from stillhouse.reports.html import render_html
from stillhouse.students.spec import TrainSummary

SUMMARY = {"method": "full", "rows": 1701, "tokens": 9, "steps": 3, "seconds": 1.0, "train_loss": 0.5}


def test_training_block_has_weight_temperature_and_rows_of_soft_labels() -> None:
    training = Training(soft_labels=SoftLabels(weight=0.7, temperature=2.0))
    block = training_block(TrainSummary(**SUMMARY, rows_with_soft_label=1641), training)
    assert block["soft_labels"] == {"weight": 0.7, "temperature": 2.0, "rows": 1641}
    assert training_block(TrainSummary(**SUMMARY), Training())["soft_labels"] is None


def test_page_and_card_say_how_many_rows_have_soft_labels(blocks: dict[str, Any]) -> None:
    plain = build_report(**blocks)
    blocks["training"]["soft_labels"] = {"weight": 0.7, "temperature": 2.0, "rows": 1641}
    soft = build_report(**blocks)
    for show in (render_html, model_card):
        assert "1,641 rows, weight 0.7, temperature 2" in show(soft)
        assert "soft labels" not in show(plain)
        assert "probabilities of the labels" not in show(plain)
