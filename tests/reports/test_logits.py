"""The report says of how many tokens the student learnt the teacher's log-probabilities."""

from typing import Any

from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.training import Training
from stillhouse.reports.build import build_report
from stillhouse.reports.cards import model_card
from stillhouse.reports.collect import training_block
from stillhouse.reports.html import render_html
from stillhouse.students.spec import TrainSummary

SUMMARY = {"method": "full", "rows": 1701, "tokens": 9, "steps": 3, "seconds": 1.0, "train_loss": 0.5}
COVERED = {"teacher_tokens": 1641, "learnt_tokens": 2000}


def block_of(**training: Any) -> dict[str, Any]:
    return training_block(TrainSummary(**SUMMARY, **COVERED), Training(**training))


def test_training_block_has_what_was_learnt_of_the_logits() -> None:
    found = block_of(kind="logits", logits=LogitsSettings(k=5, by_certainty=True))["logits"]
    of = {"weight": 0.5, "temperature": 1.0, "by_certainty": True, "tokens": 1641, "of": 2000}
    assert found == {"k": 5, "draws": 0, "loss": "forward_kl", **of}
    assert block_of(logits=LogitsSettings(k=5))["logits"] is None


def test_page_and_card_say_how_many_tokens_have_log_probabilities(blocks: dict[str, Any]) -> None:
    plain = build_report(**blocks)
    blocks["training"]["logits"] = block_of(kind="logits")["logits"]
    learnt = build_report(**blocks)
    for show in (render_html, model_card):
        assert "1,641 of 2,000 tokens, forward_kl of 16 and the rest, weight 0.5, temperature 1" in show(learnt)
        assert "log-probabilities" not in show(plain)
