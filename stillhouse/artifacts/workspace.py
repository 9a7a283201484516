"""The scratch folder in which one attempt at an artifact is made.

A killed process leaves its scratch behind. The next one sweeps it, but never that of a living process: each folder has
a lock that the kernel drops when its owner dies. Not every shared disk shows one machine the locks of another, so a
lock counts only where it was made: another machine's scratch is swept by its age.
"""

import fcntl
import os
import platform
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from stillhouse.artifacts.fingerprint import sha256_file
from stillhouse.artifacts.record import FileEntry, Record

# longer than a stage may take by default, seven times
_FOREIGN_S = 7 * 24 * 3600.0
_BOOT = Path("/proc/sys/kernel/random/boot_id")  # one for all processes that share locks, in containers too


class Workspace:
    """A folder to fill, and the commit that makes it an artifact."""

    def __init__(self, folder: Path, commit: Callable[["Workspace", dict[str, Any], dict[str, Any]], Record]):
        self.folder = folder
        self.attempt = folder.name
        self._commit = commit
        self._started = time.monotonic()
        self._committed = False

    def commit(self, summary: dict[str, Any], provenance: dict[str, Any] | None = None) -> Record:
        """Store the folder's files as the artifact, and return its record.

        Args:
            summary: counts and measurements, as plain JSON.
            provenance: such as library versions; time, seconds and host are added.

        Raises:
            StoreError: the files can't be stored; nothing is committed then.
            ValueError: on a second commit, a symbolic link among the files, or NaN in the summary.
            TypeError: for a summary or provenance that is not plain JSON.
        """
        if self._committed:
            raise ValueError("this workspace is committed already; open a new one for another attempt")
        record = self._commit(self, summary, self._basics() | (provenance or {}))
        self._committed = True
        return record

    def _basics(self) -> dict[str, Any]:
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - self._started, 3),
            "host": socket.gethostname(),
            "python": platform.python_version(),
        }


def list_files(folder: Path) -> tuple[FileEntry, ...]:
    """Return every file below `folder`, in the order of their paths, with size and SHA-256.

    Raises:
        ValueError: for a symbolic link: its target would not be stored.
    """
    entries = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise ValueError(f"`{name}` is a symbolic link; an artifact holds plain files, so copy what it points to")
        if path.is_file():
            entries.append(FileEntry(path=name, bytes=path.stat().st_size, sha256=sha256_file(path)))
    return tuple(entries)


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """Yield a new empty folder below `root`; it is removed on leaving, or by a later call after a kill."""
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    folder = root / uuid.uuid4().hex
    lock = _lock_of(folder)
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # locked before the folder exists: a sweep looks for folders, so it never finds a new one unlocked
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, _this_machine())
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _sweep(root: Path) -> None:
    for folder in root.iterdir():
        if not folder.is_dir() or _may_live_elsewhere(folder):
            continue
        lock = _lock_of(folder)
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # its owner lives
        else:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _may_live_elsewhere(folder: Path) -> bool:
    """Return whether a process of another machine may still write to a scratch folder."""
    lock = _lock_of(folder)
    try:
        if lock.exists() and lock.read_bytes() == _this_machine():
            return False
        newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:
        return True  # it comes or goes just now
    return time.time() - newest < _FOREIGN_S


@cache
def _this_machine() -> bytes:
    try:
        return _BOOT.read_bytes().strip()
    except OSError:
        return socket.gethostname().encode()
