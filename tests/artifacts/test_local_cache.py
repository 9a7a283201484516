"""How often the bytes of a model travel: once from the store to each machine, never back to the maker."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, StoreConfig, open_store
from tests.support.s3.faulty_proxy import FaultyProxy
from tests.support.s3.server import S3Server

REF = ArtifactRef(stage="train", fingerprint="a" * 64)
SIZE = 65 * 2**20  # beyond what `find` reads from afar


@pytest.fixture
def proxy(own_server: S3Server) -> Iterator[FaultyProxy]:
    with FaultyProxy(own_server.port) as proxy:
        yield proxy


@pytest.fixture
def maker(proxy: FaultyProxy, tmp_path: Path) -> Store:
    """The machine that made the model."""
    store = Store(StoreConfig(url="s3://bucket/p", endpoint_url=proxy.address, cache_dir=tmp_path / "maker"))
    with store.workspace("train", 1, "a" * 64, {}, {}) as work:
        (work.folder / "weights").write_bytes(bytes(SIZE))
        work.commit({})
    return store


def downloaded(proxy: FaultyProxy) -> int:
    return sum(seen.answered for seen in proxy.downloads("weights"))


def fetch(config: StoreConfig) -> None:
    Store(config).fetch(REF)


@pytest.mark.slow
def test_fetch_on_the_makers_machine_downloads_nothing(maker: Store, proxy: FaultyProxy) -> None:
    again = Store(maker.config)  # as another stage in another process
    assert again.find("train", "a" * 64) is not None
    assert (again.fetch(REF) / "weights").stat().st_size == SIZE
    assert downloaded(proxy) == 0
    assert [path.name for path in maker.config.cache_dir.rglob("weights")] == ["weights"]  # no second copy either


@pytest.mark.slow
def test_fetch_by_two_processes_downloads_once(maker: Store, proxy: FaultyProxy, tmp_path: Path) -> None:
    other = maker.config.model_copy(update={"cache_dir": tmp_path / "other"})
    context = multiprocessing.get_context("spawn")
    stages = [context.Process(target=fetch, args=(other,)) for _ in range(2)]
    for stage in stages:
        stage.start()
    for stage in stages:
        stage.join()
    assert [stage.exitcode for stage in stages] == [0, 0]
    assert downloaded(proxy) == SIZE
    assert (Store(other).fetch(REF) / "weights").stat().st_size == SIZE
    assert downloaded(proxy) == SIZE


def test_fetch_folder_store_reads_in_place(local_store: Store) -> None:
    with local_store.workspace("train", 1, "a" * 64, {}, {}) as work:
        (work.folder / "weights").write_bytes(b"weights")
        made = (work.folder / "weights").stat().st_ino
        record = work.commit({})
    weights = local_store.fetch(REF) / "weights"
    assert weights == Path(local_store.config.url, "artifacts/train", "a" * 64, record.attempt, "weights")
    assert weights.stat().st_ino == made  # not even the commit copied it
    assert not local_store.config.cache_dir.exists()


def test_open_store_same_address_is_one_store(local_store: Store) -> None:
    assert open_store(local_store.config) is open_store(local_store.config.model_copy())
