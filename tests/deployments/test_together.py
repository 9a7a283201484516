"""Several runs at once on one worker."""

import json
import time

import pytest

from tests.support.deployments.failing import WORKERS, FailingPipeline
from tests.support.infra.services import LocalServices

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]


def test_runs_at_once_finish_with_their_own_results_and_equal_ones_do_the_work_once(
    services: LocalServices, pipeline: FailingPipeline
) -> None:
    before = pipeline.starts()
    recipe = str(pipeline.folder / "recipe.yaml")
    steps = (3, 4, 3)

    runs = [
        services.prefect.start_run(
            "distill/distill", pipeline.flow_environment, recipe=recipe, overrides={"training.max_steps": number}
        )
        for number in steps
    ]
    deadline = time.monotonic() + 120
    while [services.prefect.state_of(run)["type"] for run in runs].count("RUNNING") < 2:
        assert time.monotonic() < deadline, "they ran one after the other"
        time.sleep(0.3)
    states = [services.prefect.wait_for(run, timeout_s=600) for run in runs]

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
    services: LocalServices, pipeline: FailingPipeline
) -> None:
    recipe = str(pipeline.folder / "recipe.yaml")

    runs = [services.prefect.start_run("distill/distill", pipeline.flow_environment, recipe=recipe) for _ in range(10)]
    states = [services.prefect.wait_for(run, timeout_s=600) for run in runs]

    assert [state["type"] for state in states] == ["COMPLETED"] * 10, states
    logs = [path.read_text() for path in (services.state / "logs").glob("*.log")]
    assert len(logs) >= 3
    assert not any("database is locked" in log for log in logs)
    assert max(len(services.prefect.tasks(run)) for run in runs) <= 60
