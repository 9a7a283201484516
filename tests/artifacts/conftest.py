import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from stillhouse.artifacts.store import Store, StoreConfig
from tests.support.cloud.server import CloudServer
from tests.support.s3.server import S3Server
from tests.support.s3.stored import Stored


@pytest.fixture(autouse=True)
def _no_aws_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_config(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StoreConfig:
    """A prefix in a bucket of its own on the session's server."""
    bucket = f"bucket-{uuid.uuid4().hex[:8]}"
    s3_server.client().mkdir(bucket)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return StoreConfig(
        url=f"s3://{bucket}/some/prefix",
        endpoint_url=s3_server.endpoint_url,
        cache_dir=tmp_path / "cache",
        timeout_s=5,
        patience_s=5,
    )


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server with a bucket `bucket` that the test may kill."""
    (tmp_path / "served").mkdir()
    with S3Server(tmp_path / "served") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.client().mkdir("bucket")
        yield server


@pytest.fixture
def local_store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


@pytest.fixture
def cloud_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudServer]:
    """A stand-in for Google and for Azure with a bucket, and the variables that lead to it."""
    with CloudServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=["local", *(pytest.param(name, marks=pytest.mark.slow) for name in ("s3", "gs", "az"))])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """The same test over a folder, over Google's and Azure's stand-in, and over S3."""
    if request.param == "local":
        store: Store = request.getfixturevalue("local_store")
        return store
    if request.param == "s3":
        return Store(request.getfixturevalue("s3_config"))
    request.getfixturevalue("cloud_server")
    url = f"{request.param}://bucket/some/prefix"
    return Store(StoreConfig(url=url, cache_dir=tmp_path / "cache", timeout_s=5, patience_s=5))


@pytest.fixture
def stored(any_store: Store, request: pytest.FixtureRequest) -> Stored | CloudServer:
    """The bytes of `any_store` without the store's care, so that a test can look at them and damage them."""
    if any_store.config.scheme in ("gs", "az"):
        cloud: CloudServer = request.getfixturevalue("cloud_server")
        return cloud
    if not any_store.config.is_remote:
        return Stored(LocalFileSystem(), any_store.config.url)
    server: S3Server = request.getfixturevalue("s3_server")
    return Stored(server.client(), any_store.config.url.removeprefix("s3://"))
