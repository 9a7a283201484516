"""The statement that a run writes of what it registered."""

import pytest

from stillhouse.origin.verify_version import verify_version
from stillhouse.recipe.load import parse_recipe
from stillhouse.registry.version import ModelVersion
from stillhouse.runtime.settings import Settings
from tasks.orchestration.run import Run
from tasks.state_origin import state_origin
from tests.support.builders import make_recipe_fields
from tests.support.origin import ORIGIN, RUN_ID, registered


@pytest.fixture
def run(settings: Settings) -> Run:
    return Run(parse_recipe(make_recipe_fields()), settings, frozenset(), RUN_ID)


@pytest.fixture
def version(run: Run) -> ModelVersion:
    found = registered(run.store)
    run.store.delete(f"{ORIGIN}/statement.json")
    return found


def test_state_origin_of_the_run_that_registered_a_version_is_one_that_verifies(run: Run, version: ModelVersion):
    state_origin.fn(run, version)
    assert verify_version(run.store, version).findings == ()


def test_state_origin_of_another_run_with_the_same_student_is_left_to_the_first(run: Run, version: ModelVersion):
    run.store.delete(f"runs/{RUN_ID}")
    run.id = "demo-20261129-101500-00000000"
    state_origin.fn(run, version)
    assert not run.store.exists(f"{ORIGIN}/statement.json")
