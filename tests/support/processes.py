"""Waiting for processes, and telling whether they run."""

import time
from pathlib import Path

import psutil


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(holds, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def pids_in(folder: Path) -> list[int]:
    wait_until(lambda: (folder / "pids").exists())
    return [int(pid) for pid in (folder / "pids").read_text().split()]
