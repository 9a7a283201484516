"""Stores at Google and at Azure, against a server that stands in for both."""

import os
import re
from pathlib import Path

import pytest

from stillhouse.artifacts.files import FileStore, open_backend
from stillhouse.artifacts.preflight import check_store
from stillhouse.artifacts.store import StoreConfig
from stillhouse.errors import StoreError, StoreUnavailable
from tests.support.cloud.server import CloudServer

KEYS = ("token-that-must-not-leak", "must not leak", "secret of the server")
LARGE = 20 * 2**20  # more than is read or sent at once


@pytest.fixture(params=["gs", "az"])
def config(request: pytest.FixtureRequest, cloud_server: CloudServer, tmp_path: Path) -> StoreConfig:
    url = f"{request.param}://bucket/some/prefix"
    return StoreConfig(url=url, cache_dir=tmp_path / "cache", timeout_s=2, patience_s=1)


@pytest.mark.slow
def test_backend_large_files_go_in_parts_and_come_back_whole(
    config: StoreConfig, cloud_server: CloudServer, tmp_path: Path
) -> None:
    data = os.urandom(LARGE)
    (tmp_path / "large").write_bytes(data)
    backend = open_backend(config)
    backend.publish(tmp_path, ["large"], "work/x")
    assert len([one for one in cloud_server.requests if re.search("partNumber|blockid", one)]) == 3
    backend.download("work/x/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    with backend.open("work/x/large") as stream:
        stream.seek(-5, os.SEEK_END)
        assert stream.read() == data[-5:]
        stream.seek(7)
        assert stream.read(LARGE // 2) == data[7 : 7 + LARGE // 2]
    backend.write("work/y", data)
    assert backend.read("work/y") == data


@pytest.mark.slow
def test_stamps_list_every_page_of_a_folder_and_nothing_beside_it(
    config: StoreConfig, cloud_server: CloudServer
) -> None:
    store = FileStore(config)
    for number in range(2 * cloud_server.page_size + 1):
        store.put_text(f"runs/{number}/report", "x" * number)
    store.put_text("runs.old/report", "")
    found = store.stamps("runs")
    assert [stamp.size_bytes for _, stamp in sorted(found.items())] == list(range(7))
    store.delete("runs")
    assert store.list("runs") == []
    assert store.list("runs.old") == ["runs.old/report"]


@pytest.mark.slow
def test_requests_that_fail_for_a_while_or_lose_their_answer_are_made_once(
    config: StoreConfig, cloud_server: CloudServer
) -> None:
    store = FileStore(config.model_copy(update={"patience_s": 10.0}))
    assert store.excludes_others
    cloud_server.script = [503, 429, "lost answer"]
    assert store.swap("work/table", b"first", None)
    cloud_server.script = [500, "lost answer"]
    assert not store.swap("work/table", b"second", None)
    assert store.read_text("work/table") == "first"


@pytest.mark.slow
def test_excludes_others_is_false_of_a_server_that_takes_no_notice_of_conditions(
    config: StoreConfig, cloud_server: CloudServer
) -> None:
    cloud_server.keeps_conditions = False
    store = FileStore(config)
    assert not store.excludes_others
    assert store.swap("work/table", b"first", None)
    assert not store.swap("work/table", b"second", None)
    assert cloud_server.keys() == ["work/table"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (401, StoreError, "refused the keys|no usable keys"),
        (403, StoreError, "may not do that in `bucket`"),
        (503, StoreUnavailable, "has trouble of its own"),
        (400, StoreError, "refused the request"),
    ],
)
def test_failure_names_the_setting_to_fix_and_nothing_that_a_server_said(
    config: StoreConfig, cloud_server: CloudServer, status: int, kind: type[StoreError], remedy: str
) -> None:
    cloud_server.script = [status] * 100
    with pytest.raises(StoreError, match=remedy) as caught:
        FileStore(config).put_text("work/x", "x")
    assert type(caught.value) is kind
    assert not [key for key in KEYS if key in str(caught.value)]


@pytest.mark.slow
def test_check_store_without_the_bucket_or_a_server_says_so(
    config: StoreConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="there is no `other`; create it, or fix STILLHOUSE_STORE"):
        check_store(config.model_copy(update={"url": f"{config.scheme}://other/x"}))
    for name in ("GOOGLE_BASE_URL", "AZURE_STORAGE_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        check_store(config)


def test_open_without_an_account_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    with pytest.raises(StoreError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        FileStore(StoreConfig(url="az://container/x", cache_dir=tmp_path))


@pytest.mark.parametrize("url", ["gs://", "az:///x", "gs://key@bucket/x", "abfs://x/y"])
def test_config_of_a_wrong_address_says_the_forms(url: str) -> None:
    with pytest.raises(ValueError, match=r"STILLHOUSE_STORE is .*(gs|az)://"):
        StoreConfig(url=url)


def test_config_encryption_of_s3_is_refused_elsewhere() -> None:
    with pytest.raises(ValueError, match="STILLHOUSE_STORE_ENCRYPTION is S3's"):
        StoreConfig(url="gs://bucket/x", server_side_encryption="AES256")
