"""Locks between the processes of a host: one heavy job at a time, and one builder of an artifact.

Two torch jobs on one device slow each other several-fold. flock(2) frees itself when its holder dies, so a killed run
never blocks the next.
"""

import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from stillhouse.errors import WorkerError

_POLL_S = 0.25


@contextlib.contextmanager
def host_lock(
    path: Path,
    on_wait: Callable[[], None] = lambda: None,
    *,
    shared: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[None]:
    """Hold the lock at `path`; calls `on_wait` once if another process holds it. Waiting counts toward no timeout.

    Holders that all take it `shared` don't exclude each other.

    Raises:
        WorkerError: `stop` was set while waiting.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with path.open("a") as handle:
        if not _take(handle, how):
            on_wait()
            _wait(handle, how, stop)
        yield


@contextlib.contextmanager
def device_lock(
    path: Path,
    on_wait: Callable[[], None] = lambda: None,
    *,
    gpus: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> Iterator[None]:
    """Hold the host's device, or only `gpus` of it; else as `host_lock`.

    Who holds the whole device excludes all others; who holds GPUs excludes those that want one of them, or the whole.
    """
    with contextlib.ExitStack() as held:
        held.enter_context(host_lock(path, on_wait, shared=bool(gpus), stop=stop))
        # in one order for all, so that no two wait for each other
        for gpu in sorted(gpus):
            held.enter_context(host_lock(path.with_name(f"{path.stem}-{gpu}.lock"), on_wait, stop=stop))
        yield


def _wait(handle: IO[str], how: int, stop: threading.Event | None) -> None:
    if stop is None:
        fcntl.flock(handle, how)
        return
    # not a blocking flock: a thread in it could not be told to stop
    while not _take(handle, how):
        if stop.wait(_POLL_S):
            raise WorkerError("ended while it waited for the device: the run was cancelled")


def _take(handle: IO[str], how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
