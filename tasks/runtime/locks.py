"""Locks between the processes of a host: one heavy job at a time, and one builder of an artifact.

Separate because two torch jobs on one device slow each other several-fold. flock(2) frees itself when its holder
dies, so a killed run never blocks the next.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def host_lock(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock at `path`; calls `on_wait` once if another process holds it. Waiting counts toward no timeout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
