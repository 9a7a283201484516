import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from tests.support.s3.server import S3Server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def any_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """The same test over a folder and over S3."""
    if request.param == "local":
        found: Store = request.getfixturevalue("store")
        return found
    server: S3Server = request.getfixturevalue("s3_server")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{uuid.uuid4().hex[:8]}"
    server.client().mkdir(bucket)
    return Store(
        StoreConfig(
            url=f"s3://{bucket}/some/prefix",
            endpoint_url=server.endpoint_url,
            cache_dir=tmp_path / "cache",
            timeout_s=5,
            patience_s=5,
        )
    )
