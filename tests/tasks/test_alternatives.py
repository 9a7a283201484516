"""The stage of the alternatives: from what rows it learns, and what it is named by."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.errors import ModelError
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import load_settings
from tasks.orchestration.preflight import start_run
from tests.support.builders import make_recipe_fields
from tests.support.dry_run import dry_distill
from tests.support.encoder import TABLE, write_encoder

SOURCES = {
    role: {"path": f"{role}.jsonl", "columns": {"text": "text"} | ({"label": "label"} if role != "train" else {})}
    for role in ("train", "examples", "test")
}


COMMIT = "c" * 40  # no hub is asked which commit a branch is


def fields(encoder: Path | None, **evaluation: Any) -> dict[str, Any]:
    named = {"model": str(encoder)} if encoder else None
    models = {"student": {"model": "owner/student", "revision": COMMIT}, "data": SOURCES, "budget": {}}
    teacher = {"model": "owner/teacher", "revision": COMMIT}
    return make_recipe_fields(teacher, evaluation={"encoder": named, **evaluation}, **models)


def stages(content: dict[str, Any]) -> dict[str, ArtifactRef]:
    return {one.label: one.ref for one in dry_distill(parse_recipe(content)).built}


def test_alternatives_another_encoder_changes_its_two_stages_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for role in SOURCES:
        (tmp_path / f"{role}.jsonl").write_text('{"text": "x"}\n')
    one, same, other = (
        stages(fields(write_encoder(tmp_path / name, table)))
        for name, table in (("one", TABLE), ("same", TABLE), ("other", TABLE + 1))
    )
    none = stages(fields(None))
    assert one == same
    for changed in (other, none):
        assert {name for name in one if one[name] != changed[name]} == {"alternatives", "label_curve"}
    # no labels, no such stages
    assert not {"alternatives", "label_curve"} & set(stages(fields(None, no_teacher_alternatives=False)))


def test_start_run_encoder_that_is_none_is_refused_before_any_work(tmp_path: Path):
    recipe = parse_recipe(fields(write_encoder(tmp_path / "language_model", output="logits")))
    with pytest.raises(ModelError, match="is no sentence encoder"):
        start_run(recipe, load_settings(), [])


def test_start_run_encoder_that_no_stage_measures_is_not_looked_for(tmp_path: Path):
    assert start_run(parse_recipe(fields(tmp_path / "gone", no_teacher_alternatives=False)), load_settings(), []).id


def test_label_curve_another_teacher_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for role in SOURCES:
        (tmp_path / f"{role}.jsonl").write_text('{"text": "x"}\n')
    one = stages(fields(None))
    other = stages(fields(None) | {"teachers": [{"model": "owner/another"}]})
    assert one["label_curve"] == other["label_curve"]
    assert one["alternatives"] != other["alternatives"]
