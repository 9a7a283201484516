"""What a run notes in the store while it is under way."""

from typing import Any

import pytest

from stillhouse.artifacts.handle import StageSummary
from stillhouse.artifacts.lease import FOLDER
from stillhouse.errors import UserError
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import Settings
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tests.support.builders import make_recipe_fields

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(180)]


class ToyParams(Params):
    rows: Any


class ToySummary(StageSummary):
    notes: str


@stage("toy", 1)
def toy(call: StageCall[ToyParams]) -> ToySummary:
    """Note what the run's note in the store says while the stage is built."""
    (key,) = call.store.list(FOLDER)
    return ToySummary(notes=f"{key} {call.store.read_text(key)}")


def test_run_notes_what_it_builds_and_finds_until_it_is_over(settings: Settings) -> None:
    with Run(parse_recipe(make_recipe_fields()), settings, frozenset(), id="toys-1") as run:
        store = run.store
        first = run.build(toy, {}, ToyParams(rows=1))
        second = run.build(toy, {"first": first.ref}, ToyParams(rows=2))
    assert second.summary.notes.startswith(f"{FOLDER}/run-toys-1.json")
    assert all(f"toy/{one.ref.fingerprint}" in second.summary.notes for one in (first, second))
    assert store.list(FOLDER) == []


def test_run_that_finds_all_notes_it_until_its_error(settings: Settings) -> None:
    with Run(parse_recipe(make_recipe_fields()), settings, frozenset(), id="toys-1") as run:
        built = run.build(toy, {}, ToyParams(rows=1))

    def fail() -> None:
        with Run(run.recipe, settings, frozenset(), id="toys-2") as later:
            assert later.build(toy, {}, ToyParams(rows=1)).is_cached
            assert built.ref.fingerprint in later.store.read_text(f"{FOLDER}/run-toys-2.json")
            raise UserError("stop")

    with pytest.raises(UserError, match="stop"):
        fail()
    assert run.store.list(FOLDER) == []
