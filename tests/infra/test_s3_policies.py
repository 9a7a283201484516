"""The S3 policies against the requests that a real store sends: all of them allowed, and nothing allowed beyond."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import AioSession

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.preflight import check_store
from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.errors import StoreError
from tests.support.infra.policy import Need, Policy, needs_of
from tests.support.paths import ROOT
from tests.support.s3.server import S3Server

POLICIES = ROOT / "infra" / "s3"
STORE = Policy(POLICIES / "store.json", "bucket", "some/prefix")
REPORTS = Policy(POLICIES / "reports.json", "bucket", "some/prefix")
LARGE = 24 * 2**20  # three parts


class Requests:
    """The requests of every store made while a test runs, and what they need."""

    def __init__(self) -> None:
        self.operations: set[str] = set()
        self.needs: set[Need] = set()
        self.fail: str | None = None

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.operations.add(model.name)
        self.needs |= needs_of(model.name, params)
        if model.name == self.fail:
            raise OSError("the line is cut")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreConfig]:
    (tmp_path / "served").mkdir()
    with S3Server(tmp_path / "served") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.client().mkdir("bucket")
        yield StoreConfig(
            url="s3://bucket/some/prefix", endpoint_url=server.endpoint_url, cache_dir=tmp_path / "cache", timeout_s=5
        )


@pytest.fixture
def requests(config: StoreConfig, monkeypatch: pytest.MonkeyPatch) -> Requests:
    """Requests of every client made from now on: that of the server's own set-up is none of a store's."""
    noted, make = Requests(), AioSession.__init__

    def make_noting(session: AioSession, *arguments: Any, **options: Any) -> None:
        make(session, *arguments, **options)
        session.register("before-parameter-build.s3", noted.note)

    monkeypatch.setattr(AioSession, "__init__", make_noting)
    return noted


def live(store: Store, folder: Path) -> None:
    """Do all that a pipeline does with a store."""
    check_store(store.config)
    with store.workspace("train", 1, "a" * 64, {}, {}) as work:
        (work.folder / "weights").write_bytes(bytes(LARGE))
        work.commit({})
    ref = ArtifactRef(stage="train", fingerprint="a" * 64)
    assert store.find("train", "b" * 64) is None
    assert store.find("train", "a" * 64)
    store.fetch(ref)
    store.put_bytes("completions/t/1.parquet", bytes(LARGE))
    with store.reading("completions/t/1.parquet") as stream:
        stream.seek(LARGE // 2)
        assert stream.read(4)
    store.put_text("runs/1/report.json", "{}")
    assert not store.exists("runs/1/absent")
    assert store.list("runs") == ["runs/1/report.json"]
    assert store.read_text("runs/1/report.json") == "{}"
    assert store.swap("work/asking/t.json", b"1", None)
    found = store.versioned("work/asking/t.json")
    assert found
    assert store.swap("work/asking/t.json", b"2", found[1])
    store.delete("runs/1")


@pytest.mark.slow
def test_store_policy_allows_all_that_a_store_asks_for_and_no_action_more(requests, config, tmp_path):
    live(Store(config), tmp_path)
    requests.fail = "UploadPart"
    with pytest.raises(StoreError):
        Store(config).put_bytes("completions/t/2.parquet", bytes(LARGE))
    assert {"AbortMultipartUpload", "ListObjectsV2", "HeadObject"} <= requests.operations
    assert {need for need in requests.needs if not STORE.allows(need)} == set()
    assert STORE.actions == {need.action for need in requests.needs}


@pytest.mark.slow
def test_reports_policy_allows_reading_a_report_and_refuses_writing_it(requests, config, tmp_path):
    Store(config).put_text("runs/1/report.json", "{}")
    assert not any(REPORTS.allows(need) for need in requests.needs if need.action == "s3:PutObject")
    requests.needs.clear()
    reader = Store(config)
    assert reader.list("runs") == ["runs/1/report.json"]
    assert reader.read_text("runs/1/report.json") == "{}"
    assert {need for need in requests.needs if not REPORTS.allows(need)} == set()
    assert REPORTS.actions == {need.action for need in requests.needs}


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GetObject", {"Bucket": "bucket", "Key": "some/other/file"}),
        ("GetObject", {"Bucket": "bucket", "Key": "some/prefix-of-others/file"}),
        ("PutObject", {"Bucket": "others", "Key": "some/prefix/file"}),
        ("DeleteObject", {"Bucket": "bucket", "Key": "file"}),
        ("ListObjectsV2", {"Bucket": "bucket"}),
        ("ListObjectsV2", {"Bucket": "bucket", "Prefix": ""}),
        ("ListObjectsV2", {"Bucket": "bucket", "Prefix": "some/"}),
        ("ListObjectsV2", {"Bucket": "others", "Prefix": "some/prefix/"}),
    ],
)
def test_store_policy_refuses_what_lies_outside_the_prefix(operation, parameters):
    assert not any(STORE.allows(need) for need in needs_of(operation, parameters))


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GetObject", {"Bucket": "bucket", "Key": "some/prefix/artifacts/train/f/a/weights"}),
        ("GetObject", {"Bucket": "bucket", "Key": "some/prefix/completions/t/1.parquet"}),
        ("PutObject", {"Bucket": "bucket", "Key": "some/prefix/runs/1/report.json"}),
        ("DeleteObject", {"Bucket": "bucket", "Key": "some/prefix/runs/1/report.json"}),
        ("ListObjectsV2", {"Bucket": "bucket", "Prefix": "some/prefix/"}),
    ],
)
def test_reports_policy_refuses_what_is_no_report(operation, parameters):
    assert not any(REPORTS.allows(need) for need in needs_of(operation, parameters))
