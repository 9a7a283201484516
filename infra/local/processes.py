"""Starts, finds and ends the processes of a state folder; it never ends a process that it did not start.

A recorded process is recognised by its pid and the kernel's start time, and its children by a variable in their
environment.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

MARK = "STILLHOUSE_STARTED_BY"
_LOG_LIMIT_BYTES = 20_000_000
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def start(name: str, command: Sequence[str], environment: Mapping[str, str], state: Path, **notes: int) -> None:
    """Start `command` in a session of its own, its output in logs/<name>.log, and record it with `notes`."""
    log = state / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=state,
            env={**environment, MARK: str(state)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # only their owner may read databases and logs, in whatever folder
            umask=0o077,
        )
    record = _record(state, name)
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"pid": child.pid, "birth": _birth(child.pid), **notes}))


def find(name: str, state: Path) -> psutil.Process | None:
    """Return the recorded process `name`; None if it no longer runs."""
    notes = notes_of(name, state)
    if not notes or notes["birth"] is None or _birth(notes["pid"]) != notes["birth"]:
        return None
    return psutil.Process(notes["pid"])


def notes_of(name: str, state: Path) -> dict[str, Any]:
    """Return the record of the process `name`; empty if there is none, or if it was written in part only."""
    try:
        notes: dict[str, Any] = json.loads(_record(state, name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return notes


def family(roots: Iterable[psutil.Process], state: Path) -> list[psutil.Process]:
    """Return `roots`, all their descendants, and all processes with this folder's mark.

    The mark finds processes that lost their parent; the tree finds those that overwrote their environment, as engines
    do.
    """
    return [one for one in trees([*roots, *_marked(state)]) if one.pid != os.getpid()]


def trees(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return `roots` and all their descendants, each once."""
    found: dict[int, psutil.Process] = {}
    for root in roots:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {one.pid: one for one in (root, *root.children(recursive=True))}
    return list(found.values())


def is_flow_run(process: psutil.Process) -> bool:
    """Return whether a worker runs a flow in this process."""
    try:
        return "prefect.engine" in process.cmdline()
    except psutil.Error:
        return False


def end(processes: Sequence[psutil.Process], grace_s: float) -> None:
    """End `processes`: SIGTERM, and SIGKILL for those that still run after `grace_s`."""
    _send(processes, signal.SIGTERM)
    wait_until_gone(processes, grace_s)
    _send(still_alive(processes), signal.SIGKILL)
    wait_until_gone(processes, 10)


def wait_until_gone(processes: Sequence[psutil.Process], timeout_s: float) -> None:
    """Return once all have ended, or after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while still_alive(processes) and time.monotonic() < deadline:
        time.sleep(0.1)


def still_alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run. A zombie has ended, though a container without an init may still list it."""
    return [process for process in processes if process.is_running() and _status(process) != psutil.STATUS_ZOMBIE]


def forget(name: str, state: Path) -> None:
    """Remove the record of an ended process."""
    _record(state, name).unlink(missing_ok=True)


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return str(psutil.STATUS_ZOMBIE)


def _marked(state: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(state):
                found.append(process)
        except psutil.Error:
            # another user's process, or one that just ended
            continue
    return found


def _record(state: Path, name: str) -> Path:
    return state / "processes" / f"{name}.json"


def _birth(pid: int) -> str | None:
    """Return boot and start time of a process as the kernel counts it; None if it has ended.

    psutil's start time is a time of day, which moves if the clock is set or a laptop sleeps.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else f"{_BOOT.read_text().strip()} {fields[19]}"
