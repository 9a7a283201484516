"""The command that pushes to the hub, against a local server that takes commits as the hub does."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from stillhouse.artifacts.store import Store
from stillhouse.registry.version import ModelVersion
from tests.support.hub_repository import HubRepository, Storage
from tests.support.paths import ROOT
from tests.support.published import WEIGHTS

pytestmark = pytest.mark.slow

TOKEN = "hf_canary_31415"


@pytest.fixture
def hub() -> Iterator[HubRepository]:
    with Storage() as storage, HubRepository(storage, TOKEN) as hub:
        yield hub


def publish(
    store: Store, hub: HubRepository, *arguments: str, token: str = TOKEN
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deployments.cli", "models", "publish", "demo@champion", "--to", "hub"]
    environment = {"HF_TOKEN": token, "HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "PYTHONPATH": str(ROOT)}
    # the stand-in takes large files by LFS, as hubs other than Hugging Face's do
    environment["HF_HUB_DISABLE_XET"] = "1"
    return subprocess.run(
        [*command, "--repo", "acme/tickets", *arguments],
        cwd=ROOT,
        env={**os.environ, "STILLHOUSE_STORE": store.config.url, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_publish_pushes_one_commit_of_weights_tokenizer_and_cards(
    store: Store, version: ModelVersion, hub: HubRepository
) -> None:
    done = publish(store, hub)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Published as {hub.address}/acme/tickets/commit/{'c' * 40}\n"
    made = hub.repos["acme/tickets"]
    assert made["visibility"] == "private"
    assert made["messages"] == [f"demo/1 of {version.run_id}"]
    assert set(made["files"]) == {"model.safetensors", "config.json", "tokenizer.json", "README.md", "data_card.md"}
    assert made["files"]["model.safetensors"] == WEIGHTS
    assert made["files"]["README.md"] == version.cards["model_card.md"].encode()


def test_publish_sends_the_token_to_the_hub_alone(store: Store, version: ModelVersion, hub: HubRepository) -> None:
    done = publish(store, hub)
    assert hub.storage.headers
    assert TOKEN not in str(hub.storage.headers) + done.stdout + done.stderr
    assert {headers["authorization"] for headers in hub.headers} == {f"Bearer {TOKEN}"}


def test_publish_dry_run_shows_the_files_and_sends_nothing(
    store: Store, version: ModelVersion, hub: HubRepository
) -> None:
    done = publish(store, hub, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "model.safetensors" in done.stdout
    assert "history.jsonl" not in done.stdout
    assert done.stdout.endswith(f"would go to {hub.address}/acme/tickets. Nothing was sent.\n")
    assert hub.headers == []


def test_publish_that_the_hub_refuses_is_one_line_without_the_token(
    store: Store, version: ModelVersion, hub: HubRepository
) -> None:
    done = publish(store, hub, token="hf_wrong_27182")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert "did not take acme/tickets" in done.stderr
    assert "hf_wrong_27182" not in done.stderr


def test_publish_to_a_public_repository_of_the_hub_must_be_said(
    store: Store, version: ModelVersion, hub: HubRepository
) -> None:
    hub.repos["acme/tickets"] = {"visibility": "public", "files": {}, "messages": []}
    done = publish(store, hub)
    assert done.returncode == 2
    assert "acme/tickets is public already" in done.stderr
    assert hub.repos["acme/tickets"]["files"] == {}
    again = publish(store, hub, "--public", "--licence", "apache-2.0")
    assert again.returncode == 0, again.stderr
    assert b"license: apache-2.0" in hub.repos["acme/tickets"]["files"]["README.md"]
