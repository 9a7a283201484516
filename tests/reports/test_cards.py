import itertools
from typing import Any

import pytest
import yaml

from stillhouse.reports.build import build_report
from stillhouse.reports.cards import data_card, model_card


def _front(card: str) -> dict[str, Any]:
    assert card.startswith("---\n")
    found: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return found


@pytest.mark.pitfall("licence")
def test_model_card_lists_every_licence_and_claims_none(blocks: dict[str, Any]) -> None:
    card = model_card(build_report(**blocks))
    assert "- data: train: **CC0-1.0**" in card
    assert "- teacher: **Apache-2.0**" in card
    assert "- student's base model: **Apache-2.0**" in card
    assert _front(card)["license"] == "unknown"


def test_model_card_front_matter_has_base_model_and_results(blocks: dict[str, Any]) -> None:
    front = _front(model_card(build_report(**blocks)))
    assert front["base_model"] == "SmolLM2-135M-Instruct"
    metrics = front["model-index"][0]["results"][0]["metrics"]
    assert {metric["type"]: metric["value"] for metric in metrics} == {"accuracy": 0.918, "macro_f1": 0.914}


def test_model_card_names_the_libraries_that_wrote_the_student(blocks: dict[str, Any]) -> None:
    assert "Written with" not in model_card(build_report(**blocks))
    blocks["training"]["libraries"] = {"transformers": "5.19.0", "torch": "2.13.0+cpu"}
    assert "Written with transformers 5.19.0, torch 2.13.0+cpu: it loads in these." in model_card(
        build_report(**blocks)
    )


def test_cards_accepted_terms_are_quoted(blocks: dict[str, Any]) -> None:
    assert "use of the teacher's output" not in model_card(build_report(**blocks))
    blocks["licences"]["accepted_terms"] = "openai"
    report = build_report(**blocks)
    for card in (model_card(report), data_card(report)):
        assert "OpenAI's terms forbid using output to develop models that compete with OpenAI" in card
        assert "https://openai.com/policies/" in card


@pytest.mark.pitfall("licence")
@pytest.mark.parametrize("stated", ["unknown", "", "Unknown"])
def test_cards_unknown_licence_stays_unknown_with_a_hint(blocks: dict[str, Any], stated: str) -> None:
    blocks["licences"] = {"data": {"train": stated}, "teacher": stated, "student_base": stated}
    report = build_report(**blocks)
    for card in (model_card(report), data_card(report)):
        assert _front(card)["license"] == "unknown"
        assert "set `teachers[0].licence`" in card
        assert "set `data.train.licence`" in card
        assert "Apache" not in card
        assert "CC0" not in card
    assert "set `student.licence`" in model_card(report)


@pytest.mark.pitfall("licence")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"train": "CC0-1.0", "test": "CC0-1.0"}, "CC0-1.0"),
        ({"train": "CC0-1.0", "test": "CC-BY-4.0"}, "unknown"),
        ({"train": "CC0-1.0", "test": "unknown"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_data_card_licence_only_if_all_sources_agree(
    blocks: dict[str, Any], data: dict[str, str], expected: str
) -> None:
    blocks["licences"]["data"] = data
    assert _front(data_card(build_report(**blocks)))["license"] == expected


def test_cards_footer_lists_stages_and_fingerprints(blocks: dict[str, Any]) -> None:
    for card in (model_card(build_report(**blocks)), data_card(build_report(**blocks))):
        for name, stage in blocks["stages"].items():
            assert f"{name} `{stage['fingerprint']}`" in card


def test_data_card_shows_rows_drops_balance_and_files(blocks: dict[str, Any]) -> None:
    card = data_card(build_report(**blocks), {"train.parquet": 40_123})
    assert "Training 772, validation 86, test 400 rows." in card
    assert "| filter | 744 | 701 | low_confidence 40, truncated 3 |" in card
    assert "| refund_request | 190 | 150 |" in card
    assert "| train.parquet | 39.2\u00a0KiB |".replace("\u00a0", " ") in card.replace("\u00a0", " ")


def test_cards_hostile_names_stay_inside_their_cells(blocks: dict[str, Any]) -> None:
    blocks["models"]["teacher"]["name"] = "a | b\n# <script>alert(1)</script>"
    blocks["recipe"]["name"] = "x\nlicense: MIT"
    card = model_card(build_report(**blocks))
    assert "<script" not in card
    assert "a &#124; b # &lt;script" in card
    assert _front(card)["license"] == "unknown"


def test_cards_without_optional_blocks_have_no_empty_headings(blocks: dict[str, Any]) -> None:
    blocks["data"] = blocks["training"] = None
    blocks["funnel"] = []
    for card in (model_card(build_report(**blocks)), data_card(build_report(**blocks))):
        body = [line for line in card.split("---\n", 2)[2].splitlines() if line]
        assert not [a for a, b in itertools.pairwise(body) if a.startswith("## ") and b.startswith("## ")]


def test_model_card_states_the_licence_of_the_encoder_it_was_compared_with(blocks: dict[str, Any]) -> None:
    assert "sentence encoder of the comparison" not in model_card(build_report(**blocks))
    blocks["licences"]["encoder"] = "Apache-2.0"
    said = "The sentence encoder of the comparison, no part of the student: **Apache-2.0**."
    assert said in model_card(build_report(**blocks))
    blocks["licences"]["encoder"] = ""
    card = model_card(build_report(**blocks))
    assert "**unknown** (not stated; look it up and set `evaluation.encoder.licence`)" in card
