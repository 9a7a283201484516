"""Runs that are cancelled, killed or stuck, and a server that goes away: how they end, and that they can go on."""

import time

import psutil
import pytest

from tests.support.deployments.failing import WORKERS, FailingPipeline
from tests.support.deployments.platform import Platform, kill
from tests.support.pipeline import left_alive

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]


def start(
    platform: Platform, pipeline: FailingPipeline, stage: str, **options: str
) -> tuple[str, list[psutil.Process]]:
    """Start a run that does `stage` again; return its id and its processes once the stage's worker is at work."""
    parameters = {"recipe": str(pipeline.folder / "recipe.yaml"), "refresh": [stage]}
    if stage == "generate":  # answers are never asked again; another prompt is
        parameters["overrides"] = {"teachers.0.prompt.system": f"Messages at {time.time()}"}
    run = platform.start(parameters, **{"deployment": "distill", **pipeline.flow_environment, **options})
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert platform.state_of(run)["type"] in ("SCHEDULED", "PENDING", "RUNNING"), platform.state_of(run)
        if platform.state_of(run)["type"] == "RUNNING":
            flow = platform.flow_process(run)
            family = [flow, *flow.children(recursive=True)]
            if any(WORKERS[stage] in " ".join(command_of(process)) for process in family):
                return run, family
        time.sleep(0.3)
    raise AssertionError(f"{stage} never came under way: {platform.worker_log()}")


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("stage", ["generate", "train"])
def test_cancelled_run_ends_within_ten_seconds_with_all_its_processes(
    platform: Platform, pipeline: FailingPipeline, stage: str
) -> None:
    run, family = start(platform, pipeline, stage)

    platform.cancel(run)

    assert left_alive(family, within_s=10) == []
    # Prefect itself takes a while longer to say so
    assert platform.wait(run, 60)["type"] == "CANCELLED"


def test_killed_run_is_seen_as_crashed_within_ten_seconds_and_can_be_retried(
    platform: Platform, pipeline: FailingPipeline
) -> None:
    run, family = start(platform, pipeline, "train")
    killed = time.monotonic()

    kill(platform.flow_process(run))

    assert platform.wait(run, 30)["type"] == "CRASHED"
    assert time.monotonic() - killed < 10
    assert left_alive(family, within_s=5) == []
    # runner and worker both report the end, one after the other; the second would end the retry
    platform.settle(run)
    platform.retry(run)
    platform.wait(run, 30, states=("RUNNING",))
    assert platform.wait(run)["type"] == "COMPLETED"


def test_stuck_stage_is_ended_after_its_time_with_the_setting_to_raise(
    platform: Platform, pipeline: FailingPipeline
) -> None:
    pipeline.plant("train", hangs=True)
    parameters = {"recipe": str(pipeline.folder / "recipe.yaml"), "refresh": ["train"]}

    run = platform.start(parameters, **pipeline.flow_environment, STILLHOUSE_STALL_TIMEOUT="5")
    state = platform.wait(run, 120)

    assert state["type"] == "FAILED"
    assert "train: " in state["message"]
    assert "reported nothing for 5 s" in state["message"]
    assert "STILLHOUSE_STALL_TIMEOUT" in state["message"]


def test_restarted_server_does_not_end_a_run_that_holds_a_concurrency_slot(
    platform: Platform, pipeline: FailingPipeline
) -> None:
    run, _ = start(platform, pipeline, "train", deployment="nightly")

    kill(platform.process_of("prefect"))
    platform.up()

    assert platform.wait(run)["type"] == "COMPLETED", platform.logs(run)


def test_run_tells_its_progress_and_what_its_workers_print(platform: Platform, pipeline: FailingPipeline) -> None:
    run, _ = start(platform, pipeline, "train")

    assert platform.wait(run)["type"] == "COMPLETED"

    described = [one["description"] or "" for one in platform.artifacts(run) if one["type"] == "progress"]
    assert any(text.startswith("train: ") and "6 of 6 steps" in text for text in described)
    log = platform.logs(run)
    assert "read train" in log
    assert "train: " in log


def test_run_of_a_killed_worker_is_seen_as_crashed_within_three_minutes_and_can_be_retried(
    platform: Platform, pipeline: FailingPipeline
) -> None:
    run, family = start(platform, pipeline, "train")
    killed = time.monotonic()

    kill(platform.process_of("worker"))
    kill(family[0])

    assert left_alive(family) == []
    assert platform.wait(run, 200)["type"] == "CRASHED"
    assert time.monotonic() - killed < 180
    platform.up()
    platform.retry(run)
    platform.wait(run, 60, states=("RUNNING",))
    assert platform.wait(run)["type"] == "COMPLETED"
