"""Waiting for processes, and telling whether they run."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return what `holds` returns once that is true; fails with `what` after so long."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
    return found


def pids_in(folder: Path) -> list[int]:
    wait_until(lambda: (folder / "pids").exists(), 20, "the processes' numbers")
    return [int(pid) for pid in (folder / "pids").read_text().split()]
