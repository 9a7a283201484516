"""What is ended and what is not: nothing that was not started here."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from infra.local.down import stop
from infra.local.paths import LocalPaths
from infra.local.processes import end, family, find, forget, start, still_alive
from tests.support.processes import wait_until

pytestmark = pytest.mark.slow  # processes of their own

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]


@pytest.fixture
def paths(tmp_path: Path):
    paths = LocalPaths(state=tmp_path / "state", ports={"prefect": 4200, "s3": 9000})
    paths.state.mkdir()
    yield paths
    end(family([], paths.state), grace_s=1)


@pytest.fixture
def stranger():
    process = subprocess.Popen(SLEEP)
    # the kernel counts starts in ticks of 10 ms
    time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def test_find_started_process_is_found_and_runs_in_a_session_of_its_own(paths):
    start("s3", SLEEP, dict(os.environ), paths.state)
    found = find("s3", paths.state)
    assert found
    # for a moment it has no command line yet
    wait_until(found.cmdline, 10, "its command line")
    assert found.cmdline() == SLEEP
    assert os.getsid(found.pid) == found.pid


def test_find_ended_process_is_none(paths):
    start("s3", SLEEP, dict(os.environ), paths.state)
    found = find("s3", paths.state)
    end([found], grace_s=5)
    assert find("s3", paths.state) is None


def test_stop_pid_that_another_process_has_now_is_left_alone(paths, stranger):
    start("s3", SLEEP, dict(os.environ), paths.state)
    record = paths.state / "processes" / "s3.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"pid": stranger.pid}))
    assert find("s3", paths.state) is None
    stop("s3", paths)
    assert stranger.poll() is None
    assert not record.exists()


@pytest.mark.parametrize("text", ["", '{"pid": 1', "{}"])
def test_find_damaged_record_is_none(paths, text):
    (paths.state / "processes").mkdir()
    (paths.state / "processes" / "s3.json").write_text(text)
    assert find("s3", paths.state) is None
    forget("s3", paths.state)


def test_family_has_what_lost_its_parent_and_what_cleared_its_environment(paths, stranger):
    parent = textwrap.dedent(f"""
        import subprocess, time
        orphan = subprocess.Popen({SLEEP!r}, start_new_session=True)
        cleared = subprocess.Popen({SLEEP!r}, start_new_session=True, env={{}})
        print(orphan.pid, cleared.pid, flush=True)
        time.sleep(300)
    """)
    start("worker", [sys.executable, "-c", parent], dict(os.environ), paths.state)
    log = paths.state / "logs" / "worker.log"
    orphan, cleared = map(int, wait_until(lambda: log.read_text().split(), 10, "the parent's word"))
    worker = find("worker", paths.state)
    assert {one.pid for one in family([worker], paths.state)} == {worker.pid, orphan, cleared}
    whole = family([worker], paths.state)
    worker.kill()
    wait_until(lambda: not still_alive([worker]), 5, "the end of the worker")
    assert orphan in {one.pid for one in family([], paths.state)}
    end(whole, grace_s=5)
    assert not still_alive(whole)
    assert stranger.poll() is None


def test_end_process_that_ignores_sigterm_is_killed(paths):
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)"
    )
    start("s3", [sys.executable, "-c", deaf], dict(os.environ), paths.state)
    wait_until(lambda: "deaf" in (paths.state / "logs" / "s3.log").read_text(), 10, "its deafness")
    found = find("s3", paths.state)
    end([found], grace_s=0.3)
    assert not still_alive([found])


def test_start_overlong_log_is_put_aside(paths):
    (paths.state / "logs").mkdir()
    log = paths.state / "logs" / "s3.log"
    log.write_bytes(b"x" * 20_000_001)
    start("s3", SLEEP, dict(os.environ), paths.state)
    assert log.stat().st_size == 0
    assert (paths.state / "logs" / "s3.log.1").stat().st_size == 20_000_001
    assert psutil.pid_exists(find("s3", paths.state).pid)
