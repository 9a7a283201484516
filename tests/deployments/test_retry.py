"""Runs that fail in each of the stages, retried from Prefect: nothing that was done is done again."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployments.failing import WORKERS, FailingPipeline
from tests.support.infra.services import LocalServices
from tests.support.paths import ROOT
from tests.support.pipeline import MODEL

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]

# in the order of the flow
STAGES = ("read", "validate", "split", "balance", "convert", "initialise", "generate", "filter", "train", "evaluate")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> FailingPipeline:
    made = FailingPipeline(tmp_path_factory.mktemp("failing"))
    made.write(evaluation={"no_teacher_alternatives": False})
    return made


def fail_and_retry(services: LocalServices, run: str, stages: tuple[str, ...]) -> None:
    """Wait for the run to fail in each of `stages`, saying so, and retry it; by the page's call or the command."""
    for number, stage in enumerate(stages):
        state = services.prefect.wait_for(run, timeout_s=300)
        first_line = state["message"].split("\n")[0]
        assert state["type"] == "FAILED", (stage, state)
        assert f"Error: {stage}" in first_line, first_line
        assert "Input/output error" in first_line or "exit code 1" in first_line
        if number % 2:
            services.prefect.retry(run)
        else:
            done = services.shell(sys.executable, "-m", "prefect", "flow-run", "retry", run)
            assert done.returncode == 0, done.stderr


def test_worker_run_that_failed_in_every_stage_did_each_once(services: LocalServices, fresh: FailingPipeline) -> None:
    fresh.plant(*STAGES)

    run = services.prefect.start_run(
        "distill/distill", fresh.flow_environment, recipe=str(fresh.folder / "recipe.yaml")
    )
    fail_and_retry(services, run, STAGES)

    assert services.prefect.wait_for(run, timeout_s=300)["type"] == "COMPLETED"
    # the crash and the one that did the work
    assert fresh.starts() == dict.fromkeys(WORKERS.values(), 2)
    assert fresh.attempts() == {stage: 3 if stage == "read" else 1 for stage in STAGES}
    keys = fresh.stored_keys()
    assert len(keys) == len(set(keys)) > 0
    seen = [task["state_name"] for task in services.prefect.tasks(run) if task["name"].startswith("split")]
    assert sorted(set(seen)) == ["Cached", "Completed", "Failed"]
    assert seen.count("Completed") == 1


@pytest.fixture
def served(services: LocalServices, fresh: FailingPipeline) -> Iterator[None]:
    """The flow served by a process of its own, without a worker."""
    code = "from flows.distill import distill; distill.serve(name='served', pause_on_shutdown=False)"
    line = f'set -a; . {services.state / "env"}; set +a; exec "$@"'
    settings = [f"{name}={value}" for name, value in fresh.flow_environment.items()]
    process = subprocess.Popen(
        ["sh", "-c", line, "sh", "env", *settings, sys.executable, "-c", code],
        cwd=ROOT,
        env={**services.environment, "PREFECT_HOME": str(fresh.folder / "served")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.usefixtures("served")
def test_served_run_is_retried_and_gone_on_with_by_a_worker_that_shares_the_store_alone(
    services: LocalServices, fresh: FailingPipeline, tmp_path: Path
) -> None:
    services.prefect.wait_for_deployment("served")
    before, asked = fresh.starts(), fresh.stored_keys()
    stages = ("validate", "split", "balance", "generate", "filter", "train")
    fresh.plant(*stages, "evaluate")
    # other rows of validate, so that all after it is new, and the same prompts
    parameters = {
        "recipe": str(fresh.folder / "recipe.yaml"),
        "overrides": {"data.max_prompt_chars": 1001},
    }

    run = services.prefect.start_run("distill/served", **parameters)
    fail_and_retry(services, run, stages)
    assert services.prefect.wait_for(run, timeout_s=300)["type"] == "FAILED"
    elsewhere = {**fresh.flow_environment, "STILLHOUSE_WORK": str(tmp_path / "other-machine")}
    again = services.prefect.start_run("distill/distill", elsewhere, **parameters)

    assert services.prefect.wait_for(again, timeout_s=300)["type"] == "COMPLETED"
    work = fresh.starts() - before
    assert work == {WORKERS[stage]: 2 for stage in ("generate", "train", "evaluate")}
    assert fresh.stored_keys() == asked, "the teacher was asked again"
    built = {task["name"] for task in services.prefect.tasks(again) if task["state_name"] == "Completed"}
    assert built == {"evaluate", "report"}
