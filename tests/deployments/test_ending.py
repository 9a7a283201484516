"""Runs that are cancelled, killed or stuck, and a server that goes away: how they end, and that they can go on."""

import time

import psutil
import pytest

from tests.support.deployments.failing import WORKERS, FailingPipeline
from tests.support.infra.services import LocalServices, flow_process, kill
from tests.support.pipeline import left_alive

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]


def start(
    services: LocalServices, pipeline: FailingPipeline, stage: str, deployment: str = "distill"
) -> tuple[str, list[psutil.Process]]:
    """Start a run that does `stage` again; return its id and its processes once the stage's worker is at work."""
    parameters = {"recipe": str(pipeline.folder / "recipe.yaml"), "refresh": [stage]}
    if stage == "generate":  # answers are never asked again; another prompt is
        parameters["overrides"] = {"teachers.0.prompt.system": f"Messages at {time.time()}"}
    run = services.prefect.start_run(f"distill/{deployment}", pipeline.flow_environment, **parameters)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = services.prefect.state_of(run)
        assert state["type"] in ("SCHEDULED", "PENDING", "RUNNING"), state
        if state["type"] == "RUNNING":
            flow = flow_process(run)
            family = [flow, *flow.children(recursive=True)]
            if any(WORKERS[stage] in " ".join(command_of(process)) for process in family):
                return run, family
        time.sleep(0.3)
    raise AssertionError(f"{stage} never came under way: {services.prefect.worker_log()}")


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("stage", ["generate", "train"])
def test_cancelled_run_ends_within_ten_seconds_with_all_its_processes(
    services: LocalServices, pipeline: FailingPipeline, stage: str
) -> None:
    run, family = start(services, pipeline, stage)

    services.prefect.cancel(run)

    assert left_alive(family, within_s=10) == []
    # Prefect itself takes a while longer to say so
    assert services.prefect.wait_for(run, timeout_s=60)["type"] == "CANCELLED"


def test_killed_run_is_seen_as_crashed_within_ten_seconds_and_can_be_retried(
    services: LocalServices, pipeline: FailingPipeline
) -> None:
    run, family = start(services, pipeline, "train")
    killed = time.monotonic()

    kill(flow_process(run))

    assert services.prefect.wait_for(run, timeout_s=30)["type"] == "CRASHED"
    assert time.monotonic() - killed < 10
    assert left_alive(family, within_s=5) == []
    # runner and worker both report the end, one after the other; the second would end the retry
    services.prefect.settle(run)
    services.prefect.retry(run)
    services.prefect.wait_for(run, "RUNNING", timeout_s=30)
    assert services.prefect.wait_for(run, timeout_s=300)["type"] == "COMPLETED"


def test_stuck_stage_is_ended_after_its_time_with_the_setting_to_raise(
    services: LocalServices, pipeline: FailingPipeline
) -> None:
    pipeline.plant("train", hangs=True)
    parameters = {"recipe": str(pipeline.folder / "recipe.yaml"), "refresh": ["train"]}

    run = services.prefect.start_run(
        "distill/distill", pipeline.flow_environment | {"STILLHOUSE_STALL_TIMEOUT": "5"}, **parameters
    )
    state = services.prefect.wait_for(run, timeout_s=120)

    assert state["type"] == "FAILED"
    assert "train: " in state["message"]
    assert "reported nothing for 5 s" in state["message"]
    assert "STILLHOUSE_STALL_TIMEOUT" in state["message"]


def test_restarted_server_does_not_end_a_run_that_holds_a_concurrency_slot(
    services: LocalServices, pipeline: FailingPipeline
) -> None:
    run, _ = start(services, pipeline, "train", deployment="nightly")

    kill(services.process_of("prefect"))
    services.up()

    assert services.prefect.wait_for(run, timeout_s=300)["type"] == "COMPLETED", services.prefect.logs(run)


def test_run_tells_its_progress_and_what_its_workers_print(services: LocalServices, pipeline: FailingPipeline) -> None:
    run, _ = start(services, pipeline, "train")

    assert services.prefect.wait_for(run, timeout_s=300)["type"] == "COMPLETED"

    described = [one["description"] or "" for one in services.prefect.artifacts(run) if one["type"] == "progress"]
    assert any(text.startswith("train: ") and "6 of 6 steps" in text for text in described)
    log = "\n".join(services.prefect.logs(run))
    assert "read train" in log
    assert "train: " in log


def test_run_of_a_killed_worker_is_seen_as_crashed_within_three_minutes_and_can_be_retried(
    services: LocalServices, pipeline: FailingPipeline
) -> None:
    run, family = start(services, pipeline, "train")
    killed = time.monotonic()

    kill(services.process_of("worker"))
    kill(family[0])

    assert left_alive(family) == []
    assert services.prefect.wait_for(run, timeout_s=200)["type"] == "CRASHED"
    assert time.monotonic() - killed < 180
    services.up()
    services.prefect.retry(run)
    services.prefect.wait_for(run, "RUNNING", timeout_s=60)
    assert services.prefect.wait_for(run, timeout_s=300)["type"] == "COMPLETED"
