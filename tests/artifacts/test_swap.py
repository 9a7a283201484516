"""A swap: of writers that know the same version one succeeds, in a folder, on S3 with conditions and without,
at Google and Azure."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillhouse.artifacts.files import FileStore
from stillhouse.artifacts.store import StoreConfig
from tests.support.s3.conditions import Conditions
from tests.support.s3.faulty_proxy import FaultyProxy
from tests.support.s3.server import S3Server

REMOTE = ("conditions", "none", "gs", "az")


@pytest.fixture(params=["folder", *(pytest.param(kind, marks=pytest.mark.slow) for kind in REMOTE)])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreConfig]:
    if request.param == "folder":
        yield StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache")
        return
    if request.param in ("gs", "az"):
        request.getfixturevalue("cloud_server")
        yield StoreConfig(url=f"{request.param}://bucket/p", cache_dir=tmp_path / "cache", timeout_s=2, patience_s=10)
        return
    server: S3Server = request.getfixturevalue("own_server")
    conditions = Conditions() if request.param == "conditions" else None
    with FaultyProxy(server.port, conditions=conditions) as proxy:
        yield remote(proxy, tmp_path)


def remote(proxy: FaultyProxy, tmp_path: Path) -> StoreConfig:
    return StoreConfig(
        url="s3://bucket/p", endpoint_url=proxy.address, cache_dir=tmp_path / "cache", timeout_s=2, patience_s=10
    )


def add_one(store: FileStore, key: str, mark: str) -> None:
    """Count up the number at `key`, whoever counts at the same time."""
    while True:
        found = store.versioned(key)
        number = int(found[0].split()[0]) if found else 0
        if store.swap(key, f"{number + 1} {mark}".encode(), found[1] if found else None):
            return


def test_swap_of_the_version_known_is_made_and_of_any_other_refused(config: StoreConfig) -> None:
    store = FileStore(config)
    assert store.versioned("work/table") is None
    assert store.swap("work/table", b"first", None)
    assert not store.swap("work/table", b"second", None)
    data, version = store.versioned("work/table") or (b"", "")
    assert data == b"first"
    assert store.swap("work/table", b"third", version)
    assert not store.swap("work/table", b"fourth", version)
    assert not store.swap("work/other", b"fifth", version)
    assert (store.versioned("work/table") or (b"",))[0] == b"third"
    assert store.list("work") == ["work/table"]


def test_swap_by_three_at_once_loses_no_count(config: StoreConfig) -> None:
    def count(number: int) -> None:
        own = FileStore(config)
        for turn in range(3):
            add_one(own, "work/table", f"{number} {turn}")

    threads = [threading.Thread(target=count, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (FileStore(config).versioned("work/table") or (b"",))[0].split()[0] == b"9"


@pytest.mark.slow
def test_swap_whose_answer_is_lost_counts_once(own_server: S3Server, tmp_path: Path) -> None:
    with FaultyProxy(own_server.port, conditions=Conditions()) as proxy:
        store = FileStore(remote(proxy, tmp_path))
        assert store.excludes_others
        for turn in range(3):
            # the first two requests read it
            proxy.script = [None, None, "lost answer"] if turn else [None, "lost answer"]
            add_one(store, "work/table", str(turn))
        assert proxy.faults["lost answer"] == 3
        assert (store.versioned("work/table") or (b"",))[0] == b"3 2"


@pytest.mark.slow
def test_excludes_others_is_what_the_server_does_with_conditions_amid_faults(
    own_server: S3Server, tmp_path: Path
) -> None:
    with FaultyProxy(own_server.port) as proxy:
        assert not FileStore(remote(proxy, tmp_path)).excludes_others
    with FaultyProxy(own_server.port, share=0.3, seed=3, stall_s=2.5, conditions=Conditions()) as proxy:
        assert FileStore(remote(proxy, tmp_path)).excludes_others
