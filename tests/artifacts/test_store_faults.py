"""Faults that pass: what is stored and read is the same as without them; and what never passes ends in stated time."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.errors import StoreError, StoreUnavailable
from tests.support.s3.faulty_proxy import KINDS, FaultyProxy
from tests.support.s3.server import S3Server

pytestmark = pytest.mark.slow

REF = ArtifactRef(stage="train", fingerprint="a" * 64)
LARGE = bytes(range(256)) * (20 * 2**20 // 256) + b"end"  # three parts


@pytest.fixture
def proxy(own_server: S3Server) -> Iterator[FaultyProxy]:
    with FaultyProxy(own_server.port, stall_s=2) as proxy:
        yield proxy


@pytest.fixture
def config(proxy: FaultyProxy, tmp_path: Path) -> StoreConfig:
    return StoreConfig(
        url="s3://bucket/p", endpoint_url=proxy.address, cache_dir=tmp_path / "cache", timeout_s=1, patience_s=30
    )


def elsewhere(config: StoreConfig, tmp_path: Path) -> Store:
    return Store(config.model_copy(update={"cache_dir": tmp_path / "another machine"}))


def commit(store: Store) -> None:
    with store.workspace("train", 1, "a" * 64, {}, {}) as work:
        (work.folder / "weights").write_bytes(LARGE)
        (work.folder / "config.json").write_text("{}")
        work.commit({})


# every second request fails, or every fifth: of an upload whose completion never hears its answer there is no end
@pytest.mark.parametrize(("kind", "every"), [(kind, 5 if kind in ("lost answer", "stall") else 2) for kind in KINDS])
def test_commit_and_fetch_with_faults_end_as_without(
    config: StoreConfig, proxy: FaultyProxy, tmp_path: Path, kind: str, every: int
) -> None:
    proxy.script = [kind, *[None] * (every - 1)] * 200
    commit(Store(config))
    assert Store(config).find("train", "a" * 64) is not None
    folder = elsewhere(config, tmp_path).fetch(REF)
    assert (folder / "weights").read_bytes() == LARGE
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "weights"]
    assert proxy.faults[kind] > 20 / every


@pytest.mark.parametrize("seed", [1, 2])
def test_store_third_of_requests_failing_ends_as_without(
    own_server: S3Server, config: StoreConfig, tmp_path: Path, seed: int
) -> None:
    with FaultyProxy(own_server.port, share=0.33, seed=seed, stall_s=2) as proxy:
        store = Store(config.model_copy(update={"endpoint_url": proxy.address}))
        commit(store)
        texts = {f"runs/{n}/x": str(n) * n for n in range(10)}
        for key, text in texts.items():
            store.put_text(key, text)
        store.delete("runs/3")
        assert store.list("runs") == sorted(set(texts) - {"runs/3/x"})
        assert all(store.read_text(key) == text for key, text in texts.items() if key != "runs/3/x")
        assert proxy.faults.total() > 5


def test_put_bytes_lost_answer_is_stored_whole(config: StoreConfig, proxy: FaultyProxy) -> None:
    # begin, three parts, complete: the server has it, and knows the upload no longer when it is asked again
    proxy.script = [None, None, None, None, "lost answer"]
    Store(config).put_bytes("models/a/weights", LARGE)
    assert proxy.faults["lost answer"] == 1
    with Store(config).reading("models/a/weights") as stream:
        assert stream.read() == LARGE


def test_reading_large_object_with_faults_gives_its_bytes(config: StoreConfig, proxy: FaultyProxy) -> None:
    store = Store(config)
    store.put_bytes("models/a/weights", LARGE)
    proxy.script = ["cut answer", None, "500", None, "reset", None] * 20
    with store.reading("models/a/weights") as stream:
        assert stream.read(3) == LARGE[:3]
        stream.seek(-5, 2)
        assert stream.read() == LARGE[-5:]
        stream.seek(0)
        assert stream.read() == LARGE
    assert proxy.faults.total() >= 3


def test_put_text_server_restarting_waits_for_it(own_server: S3Server, config: StoreConfig) -> None:
    store = Store(config)
    own_server.kill()
    back = threading.Timer(3, own_server.start)
    back.start()
    store.put_text("runs/1/x", "x")
    back.join()
    assert store.read_text("runs/1/x") == "x"


@pytest.mark.parametrize("fault", ["500", "503", "reset", "stall"])
def test_put_text_lasting_fault_ends_in_time_and_names_the_server(
    config: StoreConfig, proxy: FaultyProxy, fault: str
) -> None:
    proxy.script = [fault] * 10_000
    store = Store(config.model_copy(update={"patience_s": 3.0}))
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        store.put_text("runs/1/x", "x")
    # patience, and the last try with its timeout
    assert 1 < time.monotonic() - started < 3 + 1 + 1
    assert proxy.address in str(caught.value)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        store.read_text("runs/1/x")
    assert time.monotonic() - started < 1 + 1, "the patience was spent already"


def test_put_text_permanent_fault_is_not_retried(
    config: StoreConfig, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError) as caught:
        Store(config).put_text("runs/1/x", "x")
    assert not isinstance(caught.value, StoreUnavailable)
    assert len(proxy.requests) == 1
