"""The student of an earlier run as a model of a recipe."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, open_store
from stillhouse.config import identity
from stillhouse.errors import ModelError
from stillhouse.inference.models import identify
from stillhouse.recipe.load import parse_recipe
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import Settings
from tasks.convert import load_student_bases, load_teachers
from tasks.orchestration.preflight import start_run
from tasks.orchestration.run_models import find_checkpoint
from tests.support.builders import make_recipe_fields
from tests.support.model_folder import write_model_folder
from tests.support.registry import content

RUN = "intents-20261128-100000-abcdef12"


def finish_run(store: Store, run_id: str = RUN, label: str = "train", stage: str = "train") -> None:
    """Store a run in which `stage`, called `label`, made a model."""
    with store.workspace("train", 1, "f" * 64, {}, {}) as work:
        write_model_folder(work.folder)
        work.commit({})
    artifacts = {label: {"stage": stage, "fingerprint": "f" * 64}}
    store.put_text(f"runs/{run_id}/artifacts.json", json.dumps(artifacts))


def test_model_of_a_run_is_its_student_by_the_runs_name(settings: Settings):
    finish_run(open_store(settings.store))
    found = find_checkpoint(f"runs:/{RUN}", "", settings)
    assert found.model.name == RUN
    assert (Path(found.path) / "config.json").is_file()
    # replicas on other machines fetch it from the store
    assert found.inputs["checkpoint"].stage == "train"


def test_model_of_a_run_is_the_same_model_as_a_folder_with_its_files(settings: Settings, tmp_path: Path):
    finish_run(open_store(settings.store))
    copy = identify(str(write_model_folder(tmp_path / "copy")), "", settings.hashes)
    # what either was asked is found for the other
    assert find_checkpoint(f"runs:/{RUN}", "", settings).identity == identity(copy)


def test_recipe_may_name_a_run_as_teacher_and_as_students_base(settings: Settings):
    finish_run(open_store(settings.store))
    model = {"model": f"runs:/{RUN}"}
    teacher: dict[str, Any] = {**model, "prompt": {"layout": "student"}}
    run = start_run(parse_recipe(make_recipe_fields(teacher, student=model)), settings, [])
    assert [one.model.name for one in (*load_teachers(run), load_student_bases(run)[0].checkpoint)] == [RUN, RUN]
    assert run.recipe.teacher.display_name == RUN


@pytest.mark.parametrize("run_id", ["gone-1", "", "..", "../runs", "a/b"])
def test_model_of_an_unknown_run_is_refused_before_any_work(settings: Settings, run_id: str):
    finish_run(open_store(settings.store))
    fields = make_recipe_fields({"model": f"runs:/{run_id}"})
    with pytest.raises(ModelError, match=r"Model runs:/.*: .*\. Name a finished run of this store"):
        start_run(parse_recipe(fields), settings, [])


@pytest.mark.parametrize("name", ["models:/intents@champion", "models:/intents/1"])
def test_model_of_the_registry_is_the_versions_student(settings: Settings, name: str):
    store = open_store(settings.store)
    finish_run(store)
    register(store)
    found = find_checkpoint(name, "", settings)
    assert found.model.name == "intents/1"
    assert found.identity == find_checkpoint(f"runs:/{RUN}", "", settings).identity
    assert found.inputs["checkpoint"].stage == "train"
    teacher: dict[str, Any] = {"model": name, "prompt": {"layout": "student"}}
    run = start_run(parse_recipe(make_recipe_fields(teacher, student={"model": name})), settings, [])
    assert run.recipe.teacher.display_name == run.recipe.main_student.display_name == name[8:].replace("/", "-")


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("models:/intents@chmpion", "causal_lm", "has no alias 'chmpion'"),
        ("models:/intents/9", "causal_lm", "no version 9, there is none yet"),
        ("models:/other@champion", "causal_lm", "has no model 'other'"),
        ("models:/intents", "causal_lm", "names no version"),
        ("models:/intents/1", "encoder", "is an encoder"),
    ],
)
def test_model_of_the_registry_that_is_not_there_is_refused_before_any_work(
    settings: Settings, name: str, kind: str, why: str
):
    store = open_store(settings.store)
    finish_run(store)
    register(store, kind)
    with pytest.raises(ModelError, match=f"Model {name}: .*{why}"):
        start_run(parse_recipe(make_recipe_fields({"model": name})), settings, [])


def register(store: Store, kind: str = "causal_lm") -> None:
    registry = ModelRegistry(store)
    student = ArtifactRef(stage="train", fingerprint="f" * 64)
    registry.register(content(name="intents", student=student, kind=kind), who="x")
    registry.promote("intents", 1, who="x", why="y")


@pytest.mark.parametrize("made", [{"label": "alternatives"}, {"stage": "train_encoder"}])
def test_model_of_a_run_without_a_language_model_is_refused(settings: Settings, made: dict[str, str]):
    finish_run(open_store(settings.store), **made)
    with pytest.raises(ModelError, match="trained no student that an engine serves"):
        find_checkpoint(f"runs:/{RUN}", "", settings)
