"""The block that says where Prefect keeps results: saved once, and it says nothing that a database may not hold."""

import logging
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from stillhouse.artifacts.store import StoreConfig
from tasks.orchestration.results import JsonOnlyResults, results_block

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(180)]


@pytest.fixture
def config(tmp_path: Path) -> StoreConfig:
    return StoreConfig(url=str(tmp_path / "store"))


def requests(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "httpx"]


def test_results_block_is_saved_once_a_process(config: StoreConfig, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "httpx"):
        first = results_block(config)
        assert requests(caplog)
        caplog.clear()
        assert results_block(config.model_copy()) is first
        assert requests(caplog) == []


def test_results_block_of_another_store_is_another(config: StoreConfig, tmp_path: Path) -> None:
    other = results_block(config.model_copy(update={"url": str(tmp_path / "other")}))
    other.write_path("x", b"1")
    assert (tmp_path / "other" / "results" / "x").read_bytes() == b"1"
    assert results_block(config) is not other


def test_results_block_in_prefects_database_holds_addresses_and_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "canary")
    block = results_block(StoreConfig(url="s3://bucket/p", endpoint_url="http://127.0.0.1:9"))
    assert block._block_document_id is not None
    with get_client(sync_client=True) as client:
        stored = client.read_block_document(block._block_document_id, include_secrets=True)
    assert isinstance(block, JsonOnlyResults)
    assert set(stored.data) == {"config"}
    assert set(stored.data["config"]) == set(StoreConfig.model_fields)
    assert "canary" not in stored.model_dump_json()
