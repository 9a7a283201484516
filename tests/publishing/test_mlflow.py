"""The command that copies versions into an MLflow registry, against a real server on SQLite."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillhouse.artifacts.store import Store
from stillhouse.registry.version import ModelVersion
from tests.support.hub_repository import Redirecting, Storage
from tests.support.mlflow_server import mlflow_server
from tests.support.paths import ROOT
from tests.support.published import WEIGHTS

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
mlflow = pytest.importorskip("mlflow", reason="mlflow-skinny is not there; run `make mlflow`")

TOKEN = "mlflow_canary_16180"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


def publish(store: Store, address: str, model: str = "demo@champion") -> "subprocess.CompletedProcess[str]":
    environment = {"MLFLOW_TRACKING_URI": address, "MLFLOW_TRACKING_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "deployments.cli", "models", "publish", model, "--to", "mlflow"],
        cwd=ROOT,
        env={**os.environ, "STILLHOUSE_STORE": store.config.url, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_publish_copies_files_numbers_and_alias_into_the_registry_once(
    store: Store, version: ModelVersion, server: str, tmp_path: Path
) -> None:
    for _ in range(2):
        done = publish(store, server)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"Published as demo/1 in {server}\n"

    client = mlflow.MlflowClient(tracking_uri=server, registry_uri=server)
    (copy,) = client.search_model_versions("name = 'demo'")
    assert client.get_model_version_by_alias("demo", "champion").version == copy.version
    assert copy.description == version.cards["model_card.md"]
    assert client.get_run(copy.run_id).data.metrics == {"accuracy": 0.7}
    there = Path(client.download_artifacts(copy.run_id, "model", str(tmp_path)))
    assert {path.name for path in there.iterdir()} == {
        "model.safetensors", "config.json", "tokenizer.json", "README.md", "data_card.md"
    }  # fmt: skip
    assert (there / "model.safetensors").read_bytes() == WEIGHTS


def test_publish_to_a_server_that_redirects_elsewhere_takes_no_token_there(store: Store, version: ModelVersion) -> None:
    with Storage() as elsewhere, Redirecting(f"http://localhost:{elsewhere.port}") as sly:
        done = publish(store, sly.address)
        assert elsewhere.headers == []
    assert done.returncode == 2
    assert f"{sly.address} did not take demo/1" in done.stderr
    assert TOKEN not in done.stderr
    assert "Traceback" not in done.stderr


def test_publish_to_a_server_that_is_not_there_is_one_line(store: Store, version: ModelVersion) -> None:
    done = publish(store, "http://127.0.0.1:9")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("stillhouse: http://127.0.0.1:9 did not take demo/1")
    assert "Traceback" not in done.stderr
