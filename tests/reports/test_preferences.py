"""The report says what the second step of training learnt from, and how it ended."""

from typing import Any

from stillhouse.dataset.summary import FilterSummary
from stillhouse.recipe.teaching.preferences import Preferences
from stillhouse.recipe.training import Training
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.collect import filter_block, training_block
from stillhouse.reports.html import render_html
from stillhouse.students.spec import TrainSummary

FIRST = {"method": "full", "rows": 1701, "tokens": 9, "steps": 3, "seconds": 1.0, "train_loss": 0.5}
SECOND = {
    "pairs": 1200,
    "pairs_too_long": 4,
    "validation_pairs": 90,
    "steps": 150,
    "best_step": 100,
    "seconds": 2.0,
    "train_loss": 0.4,
    "validation_loss": 0.45,
    "accuracy": 0.91,
    "margin": 1.25,
    "validation_accuracy": 0.82,
    "validation_margin": 0.75,
    "history": [{"step": 1, "train_loss": 0.69, "accuracy": 0.0, "margin": 0.0}],
}
FILTERED = {"in": 1, "kept": 1, "dropped": {}, "rows": {"train": 0, "validation": 0, "labelled": 0}}
PAIRS = {"prompts": 2000, "pairs": 1204, "validation_pairs": 90, "left_out": {"alike": 700, "single": 96}}


def test_page_and_card_show_both_steps(blocks: dict[str, Any]) -> None:
    plain = build_report(**blocks)
    summary = TrainSummary.model_validate(FIRST | {"preferences": SECOND})
    training = training_block(summary, Training(preferences=Preferences(beta=0.2, loss="ipo")))
    filtered = filter_block(FilterSummary.model_validate(FILTERED | {"preferences": PAIRS}))
    report = build_report(**blocks | {"training": training, "filter": filtered})
    assert report.training is not None
    assert report.training.train_loss == 0.5
    assert report.training.preferences is not None
    assert report.training.preferences.validation_accuracy == 0.82
    for show in (render_html, model_card):
        text = " ".join(show(report).split()).replace("\u00a0", " ").replace("&#39;", "'")
        assert (
            "Then a second step on pairs of the teacher's samples (direct preference optimisation, ipo, beta 0.2): "
            "1,200 pairs (of 2,000 prompts; prompts without one: samples as good as each other 700, fewer than two "
            "readable samples 96; 4 pairs too long), 150 steps, loss 0.400; in the last steps accuracy 91 %, margin "
            "1.250, on 90 validation pairs accuracy 82 %, margin 0.750."
        ) in text
        assert "second step" not in show(plain)


def test_training_block_of_one_step_has_no_second() -> None:
    assert "preferences" not in training_block(TrainSummary.model_validate(FIRST), Training())
