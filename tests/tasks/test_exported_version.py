"""A registered version with more exports than before."""

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.recipe.load import parse_recipe
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from stillhouse.reports.schema.exports import ExportResult
from stillhouse.runtime.settings import Settings
from tasks.exporting import version as exported_version
from tasks.exporting.version import register_exports
from tasks.orchestration.run import Run
from tasks.promote import move_champion
from tests.support.builders import make_recipe_fields
from tests.support.registry import content


def result(mark: str, verdict: str = "passed") -> ExportResult:
    shared = {"format": "gguf", "precision": "q8_0", "kind": "causal_lm", "student": "student"}
    return ExportResult.model_validate({**shared, "verdict": verdict, "fingerprint": mark * 64})


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    # its run's artifacts are not there
    monkeypatch.setattr(exported_version, "write_statement", lambda store, version: None)
    return Run(parse_recipe(make_recipe_fields()), settings, frozenset(), "export-demo-1")


def registered(run: Run, *, is_champion: bool = True) -> ModelVersion:
    registry = ModelRegistry(run.store)
    version = registry.register(content("a"), who="run one")
    if is_champion:
        registry.promote(version.name, version.version, who="gate", why="gate passed")
    return version


def test_exports_that_passed_are_of_a_new_version_that_takes_the_champions_place(run: Run):
    version = registered(run)

    new = register_exports(
        run, version, {"gguf-q8_0": result("e"), "gguf-q4_0": result("f", "refused")}, move_champion.fn
    )

    assert (new.version, new.student) == (2, version.student)
    assert new.exports == {"gguf-q8_0": ArtifactRef(stage="export", fingerprint="e" * 64)}
    registry = ModelRegistry(run.store)
    assert registry.aliases("demo")["champion"] == 2
    assert (registry.history("demo")[-1].who, registry.history("demo")[-1].why) == ("export", "demo/1 with gguf-q8_0")


def test_exports_that_are_registered_already_make_no_new_version(run: Run):
    version = register_exports(run, registered(run), {"gguf-q8_0": result("e")}, move_champion.fn)
    # the event of the new champion starts the export again
    assert register_exports(run, version, {"gguf-q8_0": result("e")}, move_champion.fn) == version
    assert ModelRegistry(run.store).numbers("demo") == [1, 2]


def test_exports_of_a_challenger_move_no_champion(run: Run):
    register_exports(run, registered(run, is_champion=False), {"gguf-q8_0": result("e")}, move_champion.fn)
    assert "champion" not in ModelRegistry(run.store).aliases("demo")


def test_exports_that_are_all_refused_leave_the_version(run: Run):
    version = registered(run)
    assert register_exports(run, version, {"gguf-q4_0": result("f", "refused")}, move_champion.fn) == version
