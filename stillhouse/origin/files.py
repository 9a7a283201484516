"""Compares the files that are there with those that a statement names."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from stillhouse.artifacts.fingerprint import sha256_file
from stillhouse.artifacts.record import FileEntry, Record, load_record
from stillhouse.artifacts.store import Store
from stillhouse.errors import ArtifactCorrupt
from stillhouse.origin.finding import PULL, REBUILD, Finding, changed
from stillhouse.origin.layout import ORIGIN
from stillhouse.origin.schema import StageOrigin
from stillhouse.origin.trees import changes

_NOTHING, _NO_FILE = "no such file", "no file"
_MOVE = "Move it away: nobody vouches for it."


def scan(folder: Path) -> dict[str, str]:
    """Return what each of the model's files in `folder` is, by its path: its SHA-256, or `a symbolic link`.

    Raises:
        OSError: a file can't be read.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] == ORIGIN:
            continue
        if path.is_symlink():
            found[name] = "a symbolic link"
        elif not path.is_dir():
            found[name] = _hash(sha256_file(path))
    return found


def file_faults(found: Mapping[str, str], files: Iterable[FileEntry]) -> list[Finding]:
    """Return what differs between scanned files and those of a statement."""
    expected = {entry.path: _hash(entry.sha256) for entry in files}
    differing = [
        Finding(name, wanted, found.get(name, _NO_FILE), PULL)
        for name, wanted in expected.items()
        if found.get(name) != wanted
    ]
    more = [name for name in found if name not in expected]
    return [*differing, *(Finding(name, _NOTHING, "an additional file", _MOVE) for name in more)]


def stage_faults(store: Store, stage: StageOrigin) -> Iterator[Finding]:
    """Yield what differs between a stage of a statement and its artifact in the store; every byte is read.

    Raises:
        StoreError: the store can't be read.
    """
    home = f"artifacts/{stage.name}"
    stamps = store.stamps(home)
    record_key = f"{home}/record.json"
    if record_key not in stamps:
        yield Finding(f"stage {stage.name}", "its record in the store", "none", REBUILD)
        return
    try:
        record = load_record(store.read_text(record_key).encode())
    except (ValueError, ArtifactCorrupt) as error:
        yield Finding(f"stage {stage.name}: record.json", "the record that the stage wrote", f"{error}", REBUILD)
        return
    yield from _record_faults(stage, record)
    yield from _file_faults(store, stage, f"{home}/{record.attempt}/", stamps)


def _record_faults(stage: StageOrigin, record: Record) -> Iterator[Finding]:
    # the files are compared by what they hold
    for field in ("version", "identity", "inputs"):
        differing = changes({field: getattr(stage, field)}, {field: getattr(record, field)})
        yield from changed(f"stage {stage.name}", differing, REBUILD)


def _file_faults(store: Store, stage: StageOrigin, prefix: str, stamps: Iterable[str]) -> Iterator[Finding]:
    there = {key.removeprefix(prefix) for key in stamps if key.startswith(prefix)}
    for entry in stage.files:
        where = f"stage {stage.name}: {entry.path}"
        if entry.path not in there:
            yield Finding(where, _hash(entry.sha256), _NO_FILE, REBUILD)
        elif (found := _stored_hash(store, prefix + entry.path)) != _hash(entry.sha256):
            yield Finding(where, _hash(entry.sha256), found, REBUILD)
    for name in sorted(there - {entry.path for entry in stage.files}):
        where = f"stage {stage.name}: {name}"
        yield Finding(where, _NOTHING, "an additional file", _MOVE)


def _stored_hash(store: Store, key: str) -> str:
    try:
        with store.reading(key) as stream:
            return _hash(hashlib.file_digest(stream, "sha256").hexdigest())  # type: ignore[arg-type]
    except ArtifactCorrupt as error:
        return str(error)


def _hash(sha256: str) -> str:
    return f"SHA-256 {sha256}"
