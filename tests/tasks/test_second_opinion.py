"""The stage of the second opinion: what it is named by, and that it is refused before any work."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import ModelError
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import load_settings
from tasks.orchestration.preflight import start_run
from tests.support.builders import make_recipe_fields
from tests.support.dry_run import dry_distill
from tests.support.encoder import write_encoder

COMMIT = "c" * 40  # no hub is asked which commit a branch is


def fields(encoder: Path, **more: Any) -> dict[str, Any]:
    columns = {"text": "text", "label": "label"}
    data = {role: {"path": f"{role}.jsonl", "columns": columns} for role in ("train", "examples", "test")}
    return make_recipe_fields(
        {"model": "owner/teacher", "revision": COMMIT},
        student={"model": "owner/student", "revision": COMMIT},
        data=data,
        evaluation={"encoder": {"model": str(encoder)}, "no_teacher_alternatives": False},
        **more,
    )


def changed(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    """Return the stages whose artifacts are others, or are only in one of two runs."""
    ours, theirs = (
        {built.label: built.ref for built in dry_distill(parse_recipe(each)).built} for each in (one, other)
    )
    return {label for label in ours.keys() | theirs.keys() if ours.get(label) != theirs.get(label)}


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for role in ("train", "examples", "test"):
        (tmp_path / f"{role}.jsonl").write_text('{"text": "x", "label": "a"}\n')
    return write_encoder(tmp_path / "encoder")


def test_second_opinion_asks_no_teacher_again_and_its_weight_no_classifier(encoder: Path):
    plain, one, two = fields(encoder), *(fields(encoder, second_opinion={"weight": weight}) for weight in (1.0, 2.0))
    assert {"second_opinion", "filter", "train"} <= changed(plain, one)
    assert not {"generate", "balance", "initialise"} & changed(plain, one)
    assert {"filter", "train"} <= changed(one, two)
    assert "second_opinion" not in changed(one, two)


def test_second_opinion_without_its_encoder_is_refused_before_any_work(encoder: Path, monkeypatch: pytest.MonkeyPatch):
    asked = fields(encoder, second_opinion={})
    del asked["evaluation"]["encoder"]
    monkeypatch.setattr("stillhouse.inference.encoder.files.ROOT", encoder)  # where `make model` was never run
    with pytest.raises(ModelError, match="second_opinion: no encoder; `make model` fetches one; or name one"):
        start_run(parse_recipe(asked), load_settings(), [])


def test_second_opinion_of_what_is_no_encoder_is_refused_before_any_work(tmp_path: Path):
    asked = fields(write_encoder(tmp_path / "language_model", output="logits"), second_opinion={})
    with pytest.raises(ModelError, match="is no sentence encoder"):
        start_run(parse_recipe(asked), load_settings(), [])
