"""The stage names that a run can build again, compared with the stages that the files of tasks/ make."""

import importlib

import pytest

from stillhouse.errors import RecipeError
from tasks.orchestration.registry import ALWAYS_BUILT, PLAN_ONLY, RACE_ONLY, REFRESHABLE, SWEEP_ONLY, stages_named
from tasks.orchestration.stage import Stage
from tests.support.paths import ROOT


def own_stages(module: str) -> set[str]:
    """Return the names of the stages that a file of tasks/ makes, those that it imports left out."""
    made = vars(importlib.import_module(f"tasks.{module}")).values()
    return {one.name for one in made if isinstance(one, Stage) and one.task.fn.__module__ == f"tasks.{module}"}


FILES = sorted(path.stem for path in (ROOT / "tasks").glob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_task_file_defines_the_stage_of_its_name_unless_it_keeps_no_artifact(file):
    assert own_stages(file) == (set() if file in ALWAYS_BUILT else {file})


def test_refreshable_stages_exclude_plans_and_reports():
    assert {*REFRESHABLE, *ALWAYS_BUILT, *PLAN_ONLY, *SWEEP_ONLY, *RACE_ONLY} == set(FILES)
    assert "evaluate_teacher" in REFRESHABLE


def test_stages_named_takes_every_stage_of_a_run():
    assert stages_named(REFRESHABLE) == list(REFRESHABLE)


@pytest.mark.parametrize("name", ["trian", "probe"])
def test_stages_named_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(RecipeError, match=rf"{name!r}; the stages are alternatives, .*balance, .*train"):
        stages_named(["train", name])


def test_stages_named_report_is_refused_since_it_is_always_built():
    with pytest.raises(RecipeError, match="'report', which every run builds anyway; the stages are alternatives"):
        stages_named(["report"])
