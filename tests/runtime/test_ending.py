"""What outlives a process that is killed: nothing that holds a device, a port or a lock."""

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from stillhouse.repository import ROOT
from stillhouse.runtime.locks import host_lock
from tests.support.processes import is_alive, pids_in, wait_until

pytestmark = pytest.mark.slow


def start(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def test_guard_ephemeral_server_killed_parent_ends_it(tmp_path: Path):
    parent = start(f"""
        import subprocess, sys, time
        from pathlib import Path
        import psutil
        from stillhouse.runtime.orphan_guard import guarded_servers, guard_ephemeral_server
        wait = "import time; time.sleep(300)"
        ended = subprocess.Popen([sys.executable, "-c", "pass", "prefect.server.api.server:create_app"])
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.05)
        server = subprocess.Popen([sys.executable, "-c", wait, "prefect.server.api.server:create_app"])
        other = subprocess.Popen([sys.executable, "-c", wait, "something else"])
        guard_ephemeral_server()
        guard_ephemeral_server()
        assert list(guarded_servers) == [server.pid], "one guard, and only for the server that runs"
        noted = Path({str(tmp_path)!r})
        (noted / "pids.new").write_text(f"{{server.pid}} {{other.pid}} {{guarded_servers[server.pid].pid}}")
        (noted / "pids.new").rename(noted / "pids")
        time.sleep(300)
    """)
    server, other, guard = 0, 0, 0
    try:
        server, other, guard = pids_in(tmp_path)
        assert is_alive(server)
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_alive(server) and not is_alive(guard), 5, "the end of both")
        assert is_alive(other)
    finally:
        parent.kill()
        for pid in (server, other, guard):
            if pid and is_alive(pid):
                os.kill(pid, 9)


def hold(lock: Path, noted: Path) -> subprocess.Popen[bytes]:
    holder = start(f"""
        import time
        from pathlib import Path
        from stillhouse.runtime.locks import host_lock
        with host_lock(Path({str(lock)!r})):
            Path({str(noted)!r}).touch()
            time.sleep(300)
    """)
    wait_until(noted.exists, 20, "the note")
    return holder


def test_host_lock_killed_holder_frees_it(tmp_path: Path):
    lock = tmp_path / "deeper" / "device.lock"
    holder = hold(lock, tmp_path / "held")
    waited, entered = threading.Event(), threading.Event()

    def take() -> None:
        with host_lock(lock, waited.set):
            entered.set()

    thread = threading.Thread(target=take, daemon=True)
    try:
        thread.start()
        assert waited.wait(5)
        assert not entered.wait(0.3)
    finally:
        holder.kill()
        holder.wait()
    assert entered.wait(5)
    thread.join(5)


def test_host_lock_free_does_not_report_waiting(tmp_path: Path):
    waits = []
    for _ in range(2):
        with host_lock(tmp_path / "device.lock", lambda: waits.append(1)):
            pass
    assert waits == []
