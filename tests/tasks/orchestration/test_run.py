"""What a run notes in the store while it is under way."""

import gc
from typing import Any

import pytest

from stillhouse.artifacts.handle import StageSummary
from stillhouse.artifacts.lease import FOLDER
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
    run = Run(parse_recipe(make_recipe_fields()), settings, frozenset(), id="toys-1")
    store = run.store
    first = run.build(toy, {}, ToyParams(rows=1))
    second = run.build(toy, {"first": first.ref}, ToyParams(rows=2))
    assert second.summary.notes.startswith(f"{FOLDER}/run-toys-1.json")
    assert all(f"toy/{one.ref.fingerprint}" in second.summary.notes for one in (first, second))
    later = Run(run.recipe, settings, frozenset(), id="toys-2")
    assert later.build(toy, {}, ToyParams(rows=1)).is_cached
    assert first.ref.fingerprint in store.read_text(f"{FOLDER}/run-toys-2.json")
    del run, later
    gc.collect()
    assert store.list(FOLDER) == []
