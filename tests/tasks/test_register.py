"""What a finished run leaves in the registry, and when its student becomes the champion."""

from typing import Any

import pytest

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.models import Checkpoint, Model
from stillhouse.recipe.load import parse_recipe
from stillhouse.registry.registry import ModelRegistry
from stillhouse.runtime.settings import Settings
from stillhouse.students.spec import TrainSummary
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentBase, StudentModel
from tasks.promote import move_champion, promote_student
from tasks.register import register_student
from tests.support.builders import make_recipe_fields
from tests.support.registry import report

NAME = "demo"
SUMMARY = TrainSummary.model_construct()


def finish(settings: Settings, mark: str, **changes: Any) -> str:
    """Register and promote as the flow does at the end of a run, and return the version."""
    recipe = parse_recipe(make_recipe_fields() | {"name": NAME})
    done = report(mark, **changes)
    run = Run(recipe, settings, frozenset(), done.run_id)
    for card in ("model_card.md", "data_card.md"):
        run.store.put_text(f"runs/{run.id}/{card}", f"{card} of {mark}")
    checkpoint = Checkpoint(model=Model(kind="hub", path="owner/small"), path="owner/small")
    base = StudentBase(ModelRole.STUDENT, recipe.main_student, checkpoint)
    ref = ArtifactRef(stage="train", fingerprint=mark * 64)
    student = StudentModel(ModelRole.STUDENT, base, Built("train", ref, SUMMARY, 1.0, is_cached=False))
    version = register_student.fn(run, done, [student])
    promote_student(run, done, version, move=move_champion.fn)
    return version.reference


@pytest.fixture
def registry(settings: Settings) -> ModelRegistry:
    return ModelRegistry(Run(parse_recipe(make_recipe_fields()), settings, frozenset(), "x").store)


def test_register_version_holds_what_the_run_made(settings: Settings, registry: ModelRegistry):
    assert finish(settings, "a", accuracy=0.8) == "demo/1"
    found = registry.find("demo@champion")
    assert (found.student.fingerprint, found.fingerprints) == ("a" * 64, {"train": "a" * 64})
    assert (found.measured.quality["accuracy"].value, found.gate) == (0.8, "passed")
    assert found.cards == {name: f"{name} of a" for name in ("model_card.md", "data_card.md")}
    assert found.created_by == f"run {found.run_id}"


def test_register_run_on_the_same_student_makes_no_second_version(settings: Settings, registry: ModelRegistry):
    assert [finish(settings, "a") for _ in range(2)] == ["demo/1", "demo/1"]
    assert registry.numbers(NAME) == [1]
    assert [(one.alias, one.target) for one in registry.history(NAME)] == [("challenger", 1), ("champion", 1)]


def test_promote_student_that_did_not_pass_is_a_challenger_beside_the_champion(
    settings: Settings, registry: ModelRegistry
):
    finish(settings, "a")
    finish(settings, "b", gate=False)
    assert registry.aliases(NAME) == {"champion": 1, "challenger": 2}
    finish(settings, "c")
    assert registry.aliases(NAME) == {"champion": 3, "challenger": 3}
    last = registry.history(NAME)[-1]
    assert (last.who, last.why, last.origin) == ("gate", "gate passed in demo-20261128-100000-cccccccc", 1)


def test_promote_version_that_was_taken_back_stays_so_in_later_runs(settings: Settings, registry: ModelRegistry):
    finish(settings, "a")
    finish(settings, "b")
    registry.rollback(NAME, who="ada", why="answers in the wrong language")
    finish(settings, "b")
    assert registry.aliases(NAME)["champion"] == 1
    registry.promote(NAME, 2, who="ada", why="mended")
    assert registry.aliases(NAME)["champion"] == 2


def test_promote_student_of_a_run_without_a_decided_gate_stays_challenger(settings: Settings, registry: ModelRegistry):
    finish(settings, "a", gate=None)
    assert registry.aliases(NAME) == {"challenger": 1}
