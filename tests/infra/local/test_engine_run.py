"""A real run on the real engine, through the worker and the S3 store, cut off by `make down`."""

from pathlib import Path

import psutil
import pytest

from infra.local.processes import trees
from stillhouse.artifacts.store import Store, StoreConfig
from tasks.orchestration.workers import Worker
from tests.support.infra.machine import Machine, wait_until
from tests.support.pipeline import MODEL, Pipeline, left_alive

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]
DATA_STAGES = ("read", "validate", "split", "balance")


def segments(machine: Machine) -> list[Path]:
    return sorted((machine.state / "s3" / "stillhouse" / "store" / "completions").rglob("*.parquet"))


def cached_stages(machine: Machine, run: str) -> set[str]:
    tasks = machine.api("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
    # a stage that is called several times says in its name for what, such as `read train`
    return {task["name"].split()[0] for task in tasks if task["state_name"] == "Cached"}


def test_down_while_the_teacher_answers_ends_the_engine_and_loses_no_artifact(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Pipeline(tmp_path / "pipeline").write()
    run = machine.start_run("distill/distill", recipe=str(recipe))
    wait_until(lambda: segments(machine) or machine.run(run)["state"]["name"] == "Failed", 500, "a stored answer")
    assert machine.run(run)["state"]["name"] == "Running", machine.run(run)["state"]
    family = trees(machine.running())
    assert any(Worker.GENERATE in " ".join(process.cmdline()) for process in family)

    machine.down()
    assert left_alive(family) == []
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(machine.state) in str(one.info["cmdline"])]
    kept = segments(machine)

    machine.up()
    assert machine.run(run)["state"]["name"] == "Crashed"
    for name, value in machine.client.items():
        monkeypatch.setenv(name, value)
    store = Store(
        StoreConfig(
            url=machine.client["STILLHOUSE_STORE"],
            endpoint_url=machine.client["AWS_ENDPOINT_URL_S3"],
            cache_dir=str(tmp_path / "cache"),
            timeout_s=10,
        )
    )
    for stage in DATA_STAGES:
        records = sorted((machine.state / "s3/stillhouse/store/artifacts" / stage).glob("*/record.json"))
        assert records, stage
        assert all(store.find(stage, path.parent.name) for path in records), stage

    # Retry, as the UI asks for it
    machine.api(
        "POST",
        f"/flow_runs/{run}/set_state",
        {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True},
    )
    wait_until(lambda: cached_stages(machine, run) >= set(DATA_STAGES), 120, "the stages before the teacher, cached")
    assert set(segments(machine)) >= set(kept)
    machine.down()
    machine.up()
