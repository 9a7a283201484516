"""The scratch folder in which one attempt at an artifact is made.

A killed process leaves its scratch behind. The next one sweeps it, but never that of a living process: each folder has
a lock that the kernel drops when its owner dies.
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
from pathlib import Path
from typing import Any

from stillhouse.artifacts.fingerprint import sha256_file
from stillhouse.artifacts.record import FileEntry, Record


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
    lock = root / f"{folder.name}.lock"
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # locked before the folder exists: a sweep looks for folders, so it never finds a new one unlocked
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _sweep(root: Path) -> None:
    for folder in root.iterdir():
        if not folder.is_dir():
            continue
        lock = root / f"{folder.name}.lock"
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
