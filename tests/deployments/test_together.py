"""Several runs at once on one worker."""

import json
import time

import pytest

from tests.support.deployments.failing import WORKERS, FailingPipeline
from tests.support.deployments.platform import Platform

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]


def test_runs_at_once_finish_with_their_own_results_and_equal_ones_do_the_work_once(
    platform: Platform, pipeline: FailingPipeline
) -> None:
    before = pipeline.starts()
    recipe = str(pipeline.folder / "recipe.yaml")
    steps = (3, 4, 3)

    runs = [
        platform.start({"recipe": recipe, "overrides": {"training.max_steps": number}}, **pipeline.flow_environment)
        for number in steps
    ]
    deadline = time.monotonic() + 120
    while [platform.state_of(run)["type"] for run in runs].count("RUNNING") < 2:
        assert time.monotonic() < deadline, "they ran one after the other"
        time.sleep(0.3)
    states = [platform.wait(run, 600) for run in runs]

    assert [state["type"] for state in states] == ["COMPLETED"] * 3, states
    assert pipeline.starts() - before == {WORKERS["train"]: 2, WORKERS["evaluate"]: 2}
    reports = [
        json.loads(next((pipeline.folder / "store" / "runs").glob(f"*-{run[:8]}/report.json")).read_text())
        for run in runs
    ]
    assert [report["training"]["steps"] for report in reports] == list(steps)
    first, _, same = reports
    assert first["comparison"] == same["comparison"]


def test_ten_runs_at_once_find_no_locked_database_and_make_few_task_runs(
    platform: Platform, pipeline: FailingPipeline
) -> None:
    recipe = str(pipeline.folder / "recipe.yaml")

    runs = [platform.start({"recipe": recipe}, **pipeline.flow_environment) for _ in range(10)]
    states = [platform.wait(run, 600) for run in runs]

    assert [state["type"] for state in states] == ["COMPLETED"] * 10, states
    logs = [path.read_text() for path in (platform.state / "logs").glob("*.log")]
    assert len(logs) >= 3
    assert not any("database is locked" in log for log in logs)
    assert max(len(platform.tasks(run)) for run in runs) <= 60
