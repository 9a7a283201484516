"""Keeps the local copies of a remote store's artifacts below a size: the least recently used go first.

A copy that a living process was given is never taken: each holds a lock that the kernel drops when it ends.
"""

import fcntl
import os
import shutil
import uuid
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout


def lock_of(copy: Path) -> FileLock:
    """Return the lock that whoever makes or deletes a copy holds meanwhile."""
    return FileLock(copy.with_name(f"{copy.name}.lock"), timeout=-1)


def note_use(copy: Path) -> IO[bytes]:
    """Note that a copy is used now, and return what keeps it until it is closed or the process ends.

    The caller holds the copy's lock.

    Raises:
        OSError: the cache can't be written.
    """
    used = _use_of(copy).open("ab")
    fcntl.flock(used, fcntl.LOCK_SH)
    os.utime(used.fileno())
    return used


def shrink(root: Path, limit_bytes: float) -> list[Path]:
    """Delete unused copies below `root` until all together take at most `limit_bytes`, and return them.

    Raises:
        OSError: the cache can't be written.
    """
    for left in root.glob("artifacts/*/*/.evicted-*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    copies = [path for path in root.glob("artifacts/*/*/*") if path.is_dir() and not path.name.startswith(".")]
    sizes = {copy: _size_bytes(copy) for copy in copies}
    total, gone = sum(sizes.values()), []
    for copy in sorted(copies, key=_last_used):
        if total <= limit_bytes:
            break
        if _evict(copy):
            total -= sizes[copy]
            gone.append(copy)
    return gone


def _evict(copy: Path) -> bool:
    """Delete a copy; return False if a process has it, or makes it now."""
    try:
        with lock_of(copy).acquire(timeout=0), _use_of(copy).open("ab") as used:
            fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # by one rename: half a copy must not be taken for one
            leaving = copy.with_name(f".evicted-{uuid.uuid4().hex}")
            copy.rename(leaving)
            _use_of(copy).unlink()
    except (Timeout, BlockingIOError, FileNotFoundError):
        return False
    shutil.rmtree(leaving, ignore_errors=True)
    return True


def _use_of(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.used")


def _last_used(copy: Path) -> float:
    used = _use_of(copy)
    try:
        return (used if used.exists() else copy).stat().st_mtime
    except FileNotFoundError:  # another process has deleted it
        return 0.0


def _size_bytes(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue  # another process deletes it
    return total
