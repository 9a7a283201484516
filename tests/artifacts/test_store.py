import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.preflight import check_store
from stillhouse.artifacts.record import Record
from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.errors import ArtifactCorrupt, StoreError
from tests.support.s3.stored import Stored

REF = ArtifactRef(stage="read", fingerprint="f" * 64)


def commit(store: Store, content: str = "rows", summary: int = 1) -> Record:
    with store.workspace("read", 1, "f" * 64, {"seed": 0}, {"in": REF}) as work:
        (work.folder / "deep" / "er").mkdir(parents=True)
        (work.folder / "rows.jsonl").write_text(content)
        (work.folder / "deep" / "er" / ".hidden").write_text(content * 2)
        return work.commit({"n": summary})


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_store_round_trip_returns_files_and_record(any_store: Store) -> None:
    check_store(any_store.config)
    assert any_store.find("read", "f" * 64) is None
    record = commit(any_store)
    fresh = Store(any_store.config)
    assert fresh.find("read", "f" * 64) == record
    assert fresh.record(REF) == record
    folder = fresh.fetch(REF)
    assert (folder / "rows.jsonl").read_text() == "rows"
    assert (folder / "deep" / "er" / ".hidden").read_text() == "rowsrows"
    assert fresh.path(REF, "rows.jsonl") == folder / "rows.jsonl"
    assert (record.identity, record.summary, record.inputs) == ({"seed": 0}, {"n": 1}, {"in": f"read/{'f' * 64}"})
    assert record.provenance["host"]
    assert sorted(any_store.list("artifacts"))[-1] == f"artifacts/read/{'f' * 64}/record.json"
    assert any_store.list("probe") == []


def test_store_artifact_without_files_round_trips(any_store: Store) -> None:
    with any_store.workspace("gate", 1, "e" * 64, {}, {}) as work:
        work.commit({"passed": True})
    assert any_store.find("gate", "e" * 64) is not None
    assert list(any_store.fetch(ArtifactRef(stage="gate", fingerprint="e" * 64)).iterdir()) == []


def test_workspace_without_commit_leaves_nothing(any_store: Store, stored: Stored) -> None:
    with any_store.workspace("read", 1, "f" * 64, {}, {}) as work:
        (work.folder / "x").write_text("x")
        scratch = work.folder
    with pytest.raises(RuntimeError, match="boom"), any_store.workspace("read", 1, "f" * 64, {}, {}) as work:
        raise RuntimeError("boom")
    assert not scratch.exists()
    assert stored.keys() == []
    assert any_store.find("read", "f" * 64) is None


def test_workspace_refuses_links_second_commits_and_nan(local_store: Store) -> None:
    with local_store.workspace("read", 1, "f" * 64, {}, {}) as work:
        (work.folder / "link").symlink_to("/etc/hostname")
        with pytest.raises(ValueError, match="symbolic link"):
            work.commit({})
        (work.folder / "link").unlink()
        with pytest.raises(ValueError, match="JSON compliant"):
            work.commit({"x": float("nan")})
        work.commit({})
        with pytest.raises(ValueError, match="committed already"):
            work.commit({})


@pytest.mark.parametrize("damage", ["alter", "truncate", "delete"])
def test_find_damaged_file_is_a_miss_until_committed_again(
    any_store: Store, stored: Stored, damage: str, tmp_path: Path
) -> None:
    first = commit(any_store)
    assert any_store.find("read", "f" * 64) == first
    key = f"artifacts/read/{'f' * 64}/{first.attempt}/rows.jsonl"
    if damage == "delete":
        stored.delete(key)
    else:
        stored.write(key, b"rowz" if damage == "alter" else b"row")
    assert any_store.find("read", "f" * 64) is None
    assert Store(any_store.config).find("read", "f" * 64) is None
    elsewhere = Store(any_store.config.model_copy(update={"cache_dir": tmp_path / "another machine"}))
    with pytest.raises(StoreError) as caught:
        elsewhere.fetch(REF)
    assert damage == "delete" or isinstance(caught.value, ArtifactCorrupt)
    second = commit(any_store, summary=2)
    assert Store(any_store.config).find("read", "f" * 64) == second
    assert key not in list(stored.keys())  # the damaged attempt went
    assert (any_store.fetch(REF) / "rows.jsonl").read_text() == "rows"


@pytest.mark.parametrize("bad", [b"", b"{", b"[]", b"{}", b'"x"', b"\xff\xfe"])
def test_find_broken_record_is_a_miss(any_store: Store, stored: Stored, bad: bytes) -> None:
    commit(any_store)
    stored.write(f"artifacts/read/{'f' * 64}/record.json", bad)
    assert any_store.find("read", "f" * 64) is None
    with pytest.raises(StoreError, match="no complete artifact"):
        any_store.record(REF)


def test_find_altered_record_is_a_miss(local_store: Store) -> None:
    commit(local_store, summary=11)
    path = Path(local_store.config.url) / "artifacts" / "read" / ("f" * 64) / "record.json"
    path.write_text(path.read_text().replace('"n": 11', '"n": 12'))
    assert local_store.find("read", "f" * 64) is None


def test_find_record_of_another_artifact_is_a_miss(local_store: Store) -> None:
    commit(local_store)
    home = Path(local_store.config.url) / "artifacts" / "read"
    (home / ("f" * 64)).rename(home / ("0" * 64))
    assert local_store.find("read", "0" * 64) is None


@pytest.mark.slow
def test_fetch_damaged_local_copy_is_downloaded_again(s3_config: StoreConfig) -> None:
    store = Store(s3_config)
    commit(store)
    copy = store.fetch(REF) / "rows.jsonl"
    copy.write_text("rowz")
    assert (store.fetch(REF) / "rows.jsonl").read_text() == "rows"
    copy.write_text("rowz")
    assert (Store(s3_config).fetch(REF) / "rows.jsonl").read_text() == "rows"


def test_commit_two_writers_one_wins_whole(any_store: Store) -> None:
    with (
        any_store.workspace("read", 1, "f" * 64, {}, {}) as mine,
        any_store.workspace("read", 1, "f" * 64, {}, {}) as its,
    ):
        for work, text in ((mine, "mine"), (its, "theirs")):
            (work.folder / "a").write_text(text)
            (work.folder / "b").write_text(text)
        threads = [threading.Thread(target=work.commit, args=({"who": who},)) for work, who in ((mine, 0), (its, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    record = any_store.find("read", "f" * 64)
    assert record is not None
    expected = ("mine", "theirs")[record.summary["who"]]
    folder = any_store.fetch(REF)
    assert [(folder / name).read_text() for name in "ab"] == [expected] * 2


KILLED = """
import os, signal, sys
from stillhouse.artifacts.local_backend import Folder
from stillhouse.artifacts.store import Store, StoreConfig
when = sys.argv[2]
write, publish = Folder.write, Folder.publish
def dying_write(self, key, data):
    if key.endswith("record.json"):
        if when == "half of the record":
            write(self, key + ".part", data[:40])
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, key, data)
def dying_publish(self, folder, files, key):
    if when == "before the files":
        os.kill(os.getpid(), signal.SIGKILL)
    publish(self, folder, files, key)
Folder.write, Folder.publish = dying_write, dying_publish
with Store(StoreConfig(url=sys.argv[1])).workspace("read", 1, "f" * 64, {}, {}) as work:
    (work.folder / "rows.jsonl").write_text("half")
    work.commit({})
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before the files", "between files and record", "half of the record"])
def test_commit_killed_leaves_no_artifact(local_store: Store, when: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, local_store.config.url, when], check=False)
    assert done.returncode == -signal.SIGKILL
    assert local_store.find("read", "f" * 64) is None
    record = commit(local_store)
    assert local_store.find("read", "f" * 64) == record
    swept = [path for path in (Path(local_store.config.url) / ".scratch").iterdir() if path.is_dir()]
    assert swept == []  # the killed one's scratch too


def test_workspace_of_a_living_process_is_not_swept(local_store: Store) -> None:
    with local_store.workspace("read", 1, "f" * 64, {}, {}) as slow:
        (slow.folder / "x").write_text("x")
        commit(local_store)
        assert (slow.folder / "x").exists()
        slow.commit({"slow": True})
    found = local_store.find("read", "f" * 64)
    assert found is not None
    assert found.summary == {"slow": True}


@pytest.mark.parametrize(("owner", "days"), [("other", 6.9), ("other", 7.1), (None, 6.9), (None, 7.1)])
def test_workspace_of_another_machine_is_swept_once_it_was_silent_for_a_week(
    local_store: Store, owner: str | None, days: float
) -> None:
    # its lock is held there, and this machine does not see it: NFS with local locks, Lustre's localflock, sshfs
    folder = Path(local_store.config.url) / ".scratch" / ("a" * 32)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_text("x")
    if owner:
        folder.with_name(f"{folder.name}.lock").write_text(owner)
    for path in (folder, folder / "model.safetensors"):
        os.utime(path, (time.time() - days * 86400,) * 2)
    commit(local_store)
    assert folder.exists() == (days < 7)


FULL = """
import resource, sys
from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.errors import StoreError
store = Store(StoreConfig(url=sys.argv[1]))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    if sys.argv[2] == "key":
        store.put_text("runs/1/report.html", "x" * 200_000)
    else:
        with store.workspace("read", 1, "f" * 64, {}, {}) as work:
            (work.folder / "rows.jsonl").write_text("x" * 200_000)
except StoreError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["key", "workspace"])
def test_store_disk_full_names_amount_and_place(local_store: Store, what: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, local_store.config.url, what], check=False, capture_output=True, text=True
    )
    assert "the disk is full" in done.stdout, done.stderr
    assert local_store.config.url in done.stdout
    assert ("200,000 bytes" if what == "key" else "100,000 bytes") in done.stdout
    assert files_of(Path(local_store.config.url)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.slow
def test_commit_disk_full_leaves_no_artifact(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False).returncode:
        pytest.skip("this machine does not allow mounts")
    try:
        store = Store(StoreConfig(url=str(disk / "store")))
        with pytest.raises(StoreError, match=r"write models/a/big \(2,097,152 bytes\).*disk is full \[ENOSPC\]"):
            store.put_bytes("models/a/big", b"x" * 2**21)
        with (
            pytest.raises(StoreError, match=r"disk is full \[ENOSPC\]"),
            store.workspace("read", 1, "f" * 64, {}, {}) as work,
        ):
            (work.folder / "rows").write_bytes(b"x" * 2**21)
        assert store.find("read", "f" * 64) is None
        assert files_of(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_put_text_replaces_whole_and_lists(any_store: Store) -> None:
    any_store.put_text("models/a/champion.json", "1" * 100)
    any_store.put_text("models/a/champion.json", "2")
    any_store.put_text("models/ab/x", "")
    assert any_store.read_text("models/a/champion.json") == "2"
    assert any_store.list("models/a") == ["models/a/champion.json"]
    assert any_store.exists("models/a/champion.json")
    assert not any_store.exists("models/a")
    any_store.put_text("runs/1/file", "é")
    assert any_store.read_text("runs/1/file") == "é"
    any_store.delete("models")
    any_store.delete("models")
    assert any_store.list("models") == []
    assert any_store.list("runs") == ["runs/1/file"]
    with pytest.raises(StoreError, match="there is no models/a/champion"):
        any_store.read_text("models/a/champion.json")
    with (
        pytest.raises(StoreError, match=r"not there|No such file"),
        any_store.reading("models/a/champion.json"),
    ):
        pass


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "runs/../../x"])
def test_put_text_key_outside_the_store_is_refused(local_store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        local_store.put_text(key, "x")
    with pytest.raises(ValueError, match="can't name a stage"):
        local_store.find("../x", "f" * 64)


def test_check_store_path_is_a_file_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="STILLHOUSE_STORE"):
        check_store(StoreConfig(url=str(tmp_path / "file")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_check_store_read_only_folder_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"Permission denied.*STILLHOUSE_STORE"):
        check_store(StoreConfig(url=str(tmp_path / "store")))


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("url", "abfs://bucket/x", "abfs:// is not supported"),
        ("url", "s3://", "s3://bucket/prefix"),
        ("url", "s3://key:hunter2@bucket/x", "without keys"),
        ("url", "", "is empty"),
        ("endpoint_url", "127.0.0.1:9000", "AWS_ENDPOINT_URL"),
        ("endpoint_url", "http://key:hunter2@host", "without keys"),
    ],
)
def test_store_config_unusable_address_is_refused(field: str, value: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule) as caught:
        StoreConfig(**{"url": "folder", field: value})
    assert "hunter2" not in str(caught.value)
