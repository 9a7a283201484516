"""A real run on the real engine, through the worker and the S3 store, cut off by `make down`."""

from pathlib import Path

import psutil
import pytest

from infra.local.processes import trees
from stillhouse.artifacts.store import Store, StoreConfig
from tasks.orchestration.workers import Worker
from tests.support.infra.services import LocalServices
from tests.support.pipeline import MODEL, Pipeline, left_alive
from tests.support.processes import wait_until

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]
DATA_STAGES = ("read", "validate", "split", "balance")


def segments(services: LocalServices) -> list[Path]:
    return sorted((services.state / "s3" / "stillhouse" / "store" / "completions").rglob("*.parquet"))


def cached_stages(services: LocalServices, run: str) -> set[str]:
    # a stage that is called several times says in its name for what, such as `read train`
    return {task["name"].split()[0] for task in services.prefect.tasks(run) if task["state_name"] == "Cached"}


def test_down_while_the_teacher_answers_ends_the_engine_and_loses_no_artifact(
    services: LocalServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Pipeline(tmp_path / "pipeline").write()
    run = services.prefect.start_run("distill/distill", recipe=str(recipe))
    wait_until(lambda: segments(services) or services.prefect.state_of(run)["type"] == "FAILED", 500, "a stored answer")
    assert services.prefect.state_of(run)["type"] == "RUNNING", services.prefect.state_of(run)
    family = trees(services.running())
    assert any(Worker.GENERATE in " ".join(process.cmdline()) for process in family)

    services.down()
    assert left_alive(family) == []
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(services.state) in str(one.info["cmdline"])]
    kept = segments(services)

    services.up()
    assert services.prefect.state_of(run)["type"] == "CRASHED"
    for name, value in services.client.items():
        monkeypatch.setenv(name, value)
    store = Store(
        StoreConfig(
            url=services.client["STILLHOUSE_STORE"],
            endpoint_url=services.client["AWS_ENDPOINT_URL_S3"],
            cache_dir=str(tmp_path / "cache"),
            timeout_s=10,
        )
    )
    for stage in DATA_STAGES:
        records = sorted((services.state / "s3/stillhouse/store/artifacts" / stage).glob("*/record.json"))
        assert records, stage
        assert all(store.find(stage, path.parent.name) for path in records), stage

    # Retry, as the UI asks for it
    services.prefect.retry(run)
    wait_until(lambda: cached_stages(services, run) >= set(DATA_STAGES), 120, "the stages before the teacher, cached")
    assert set(segments(services)) >= set(kept)
    services.down()
    services.up()
