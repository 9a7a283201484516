"""A run names the commits of hub models before anything is made of them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from stillhouse.artifacts.store import open_store
from stillhouse.completions.store import CompletionStore
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.runtime.settings import Settings, load_settings
from tasks.convert import load_judge, load_student_bases, load_teachers
from tasks.orchestration.model_pins import with_commits
from tasks.orchestration.preflight import start_run
from tests.support.builders import make_completion, make_recipe_fields
from tests.support.hub import Hub
from tests.support.model_folder import write_model_folder

pytestmark = pytest.mark.slow

FIRST, SECOND = "a" * 40, "b" * 40
NAMES = ("owner/teacher", "owner/judge", "owner/student", "owner/encoder")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch):
    with Hub() as found:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", found.address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        for name in NAMES:
            found.push(name, FIRST)
        yield found


def recipe_of(folder: Path, **teacher: Any) -> Recipe:
    """Return a recipe whose models are at the hub, but for its second student."""
    own = {"name": "own", "model": str(write_model_folder(folder / "own"))}
    fields = make_recipe_fields(
        {"model": "owner/teacher", **teacher}, judge={"model": "owner/judge"}, skill={"kind": "conversation"}
    )
    del fields["student"]
    fields["students"] = [{"model": "owner/student", "revision": "v1"}, own]
    return parse_recipe(fields)


def started(recipe: Recipe, settings: Settings, *, is_plan: bool = False) -> list[str]:
    """Return the revisions that the stages of a run would load."""
    recipe = start_run(recipe, settings, [], is_plan=is_plan).recipe
    assert recipe.judge
    return [recipe.teacher.revision, recipe.judge.revision, *(one.revision for one in recipe.all_students)]


def test_start_run_hub_models_keep_their_first_commit_whatever_the_branch_does(hub, tmp_path):
    hub.push("owner/student", SECOND, branch="v1")
    recipe, settings = recipe_of(tmp_path), load_settings()
    assert started(recipe, settings) == [FIRST, FIRST, SECOND, ""]
    asked = len(hub.asked)
    for name in NAMES:
        hub.push(name, SECOND)
    run = start_run(recipe, settings, [])
    assert started(recipe, settings) == [FIRST, FIRST, SECOND, ""]
    assert len(hub.asked) == asked
    judge = load_judge(run)
    assert judge
    found = [*load_teachers(run), judge, *(one.checkpoint for one in load_student_bases(run))]
    assert [one.model.revision for one in found] == [FIRST, FIRST, SECOND, ""]
    named = parse_recipe(recipe.model_dump(mode="json"))  # a commit that the recipe names is another model
    teachers = [named.teacher.model_copy(update={"revision": SECOND})]
    other = start_run(named.model_copy(update={"teachers": tuple(teachers)}), settings, [])
    assert load_teachers(other)[0].identity != found[0].identity


def test_start_run_in_an_earlier_store_finds_the_answers_that_it_holds(hub, tmp_path):
    recipe, settings = recipe_of(tmp_path), load_settings()
    before = _fingerprint_of_earlier_versions()
    CompletionStore(open_store(settings.store), before).append([make_completion(key="a", teacher=before)], logprobs=0)
    hub.push("owner/student", SECOND, branch="v1")
    run = start_run(recipe, settings, [])
    assert run.recipe.teacher.revision == FIRST
    (teacher,) = load_teachers(run)
    assert teacher.fingerprint_as(run.recipe.teacher) == before


def _fingerprint_of_earlier_versions() -> str:
    """Return what answers of `owner/teacher` were stored under before commits were noted."""
    model = {"kind": "hub", "revision": "main", "files": {}, "hub_name": "owner/teacher"}
    body = {"model": model, "dtype": "bfloat16", "quantization": ""}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_start_run_plan_asks_the_hub_for_what_it_loads_alone(hub, tmp_path):
    assert started(recipe_of(tmp_path), load_settings(), is_plan=True) == [FIRST, FIRST, "v1", ""]
    assert sorted(hub.asked) == ["owner/judge/revision/main", "owner/teacher/revision/main"]


def test_start_run_model_behind_an_endpoint_is_no_hub_model(hub, tmp_path):
    api = {"provider": "vllm", "base_url": "http://127.0.0.1:9/v1", "serves": "x@1"}
    assert started(recipe_of(tmp_path, endpoint=api, revision="mine"), load_settings(), is_plan=True)[0] == "mine"
    assert hub.asked == ["owner/judge/revision/main"]


def test_with_commits_one_student_is_pinned_as_several_are(hub, tmp_path):
    fields = make_recipe_fields({"model": str(tmp_path)}, student={"model": "owner/student"}, skill={"kind": "qa"})
    recipe = with_commits(parse_recipe(fields), open_store(load_settings().store))
    assert recipe.main_student.revision == FIRST
    assert hub.asked == ["owner/student/revision/main"]


def test_with_commits_encoder_that_is_measured_is_pinned_too(hub, tmp_path):
    fields = make_recipe_fields({"model": str(tmp_path)}, evaluation={"encoder": {"model": "owner/encoder"}})
    fields["student"] = {"model": str(tmp_path)}
    store = open_store(load_settings().store)
    encoder = with_commits(parse_recipe(fields), store).evaluation.encoder
    assert encoder
    assert encoder.revision == FIRST
    del fields["evaluation"]
    recipe = parse_recipe(fields)
    assert with_commits(recipe, store) == recipe  # the default one is a folder here, or is not there
    assert hub.asked == ["owner/encoder/revision/main"]
