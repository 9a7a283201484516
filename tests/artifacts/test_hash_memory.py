import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.artifacts.store import Store, StoreConfig

LARGE = bytes(2**20) + b"weights"
DAY_S = 24 * 3600.0


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that is hashed, in order."""
    found, real = [], hashlib.file_digest

    def counting(stream, name):
        found.append(Path(stream.name))
        return real(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    return found


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """A clock that a test puts forward; files are a minute old as it begins."""
    real, ahead = time.time, [60.0]
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    return lambda seconds: ahead.append(ahead.pop() + seconds)


@pytest.fixture
def memory(tmp_path: Path) -> HashMemory:
    return HashMemory(tmp_path / "hashes")


def test_sha256_large_file_is_read_once_by_all_processes(tmp_path, memory, reads, later):
    path = tmp_path / "model.safetensors"
    path.write_bytes(LARGE)
    assert memory.sha256(path) == HashMemory(tmp_path / "hashes").sha256(path) == sha256_of(LARGE)
    assert len(reads) == 1
    small = tmp_path / "config.json"
    small.write_bytes(b"{}")
    assert memory.sha256(small) == memory.sha256(small) == sha256_of(b"{}")
    assert len(list((tmp_path / "hashes").iterdir())) == 1


@pytest.mark.parametrize("change", ["in place", "another file", "swapped"])
def test_sha256_changed_file_of_equal_size_and_time_is_read_again(tmp_path, memory, later, change):
    path, new = tmp_path / "a.safetensors", LARGE[:-1] + b"!"
    path.write_bytes(LARGE)
    os.utime(path, ns=(10**18, 10**18))
    assert memory.sha256(path) == sha256_of(LARGE)
    written = path if change == "in place" else tmp_path / "b.safetensors"
    written.write_bytes(new)
    os.utime(written, ns=(10**18, 10**18))  # as rsync -t and image layers do
    if change == "another file":
        written.replace(path)
    if change == "swapped":
        path.unlink()
        os.link(written, path)
    assert memory.sha256(path) == sha256_of(new)


def test_sha256_file_that_was_just_written_is_not_remembered(tmp_path, memory, reads):
    path = tmp_path / "a.safetensors"
    path.write_bytes(LARGE)
    memory.sha256(path)
    memory.sha256(path)
    assert len(reads) == 2


def test_sha256_file_that_changes_while_it_is_read_is_not_remembered(tmp_path, memory, later, monkeypatch):
    path, real = tmp_path / "a.safetensors", hashlib.file_digest
    path.write_bytes(LARGE)

    def overtaken(stream, name):
        found = real(stream, name)
        path.write_bytes(LARGE[:-1] + b"!")
        return found

    monkeypatch.setattr(hashlib, "file_digest", overtaken)
    memory.sha256(path)
    monkeypatch.setattr(hashlib, "file_digest", real)
    assert memory.sha256(path) == sha256_of(LARGE[:-1] + b"!")


def test_sha256_is_taken_anew_after_a_month_and_old_notes_go(tmp_path, memory, reads, later):
    one, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    one.write_bytes(LARGE)
    other.write_bytes(LARGE)
    memory.sha256(one)
    memory.sha256(other)
    later(29 * DAY_S)
    memory.sha256(one)
    assert len(reads) == 2
    later(2 * DAY_S)
    memory.sha256(one)
    assert reads == [one, other, one]
    assert len(list((tmp_path / "hashes").iterdir())) == 1


@pytest.mark.parametrize("damage", ["", "[]", '{"state": 1}', '{"half'])
def test_sha256_damaged_note_costs_time_only(tmp_path, memory, later, damage):
    path = tmp_path / "a.safetensors"
    path.write_bytes(LARGE)
    memory.sha256(path)
    (note,) = (tmp_path / "hashes").iterdir()
    note.write_text(damage)
    assert memory.sha256(path) == sha256_of(LARGE)
    assert json.loads(note.read_text())["sha256"] == sha256_of(LARGE)


def test_sha256_without_a_place_for_notes_is_still_found(tmp_path, later):
    (tmp_path / "hashes").write_text("a file where the folder should be")
    path = tmp_path / "a.safetensors"
    path.write_bytes(LARGE)
    assert HashMemory(tmp_path / "hashes").sha256(path) == sha256_of(LARGE)


def test_find_stored_weights_are_hashed_once_by_all_processes_and_again_if_altered(tmp_path, reads, later):
    config = StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache")
    with Store(config).workspace("train", 1, "f" * 64, {}, {}) as work:
        (work.folder / "model.safetensors").write_bytes(LARGE)
        record = work.commit({})
    reads.clear()
    for _ in range(3):
        assert Store(config).find("train", "f" * 64) == record
    assert len(reads) == 1
    path = tmp_path / "store" / "artifacts" / "train" / ("f" * 64) / record.attempt / "model.safetensors"
    before = path.stat()
    path.write_bytes(LARGE[:-1] + b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert Store(config).find("train", "f" * 64) is None
