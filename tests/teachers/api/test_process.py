"""The worker as a process of its own, over the loopback: what a kill leaves, and what the next one asks."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.recipe.errors import ServiceError, WorkerError
from tasks.runtime.process import run_worker
from tests.teachers.api.asked import KEY, answers, spec, stored, teacher
from tests.teachers.api.server import Act, Received, answer, failure, serving

pytestmark = pytest.mark.slow  # processes and the loopback

MODULE = "tasks.teachers.api.worker"
ENVIRONMENT = {"OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
NUM_ROWS = 60


def work(folder: Path, address: str, on_event: Callable[[Any], None] = lambda event: None) -> dict[str, Any]:
    asked = spec(folder, teacher(address=address, output={"kind": "free"}), NUM_ROWS)
    return run_worker(MODULE, asked, python=Path(sys.executable), on_event=on_event, environment=ENVIRONMENT)


def slowly(_: Received) -> Act:
    return Act(body=answer("billing").body, delay_s=0.1)


def end_once(under_way: Callable[[], bool], number: int) -> threading.Thread:
    """Send signal `number` to this process's worker once `under_way`."""

    def watch() -> None:
        while not under_way():
            time.sleep(0.02)
        for child in psutil.Process().children(recursive=True):
            if MODULE in " ".join(child.cmdline()):
                os.kill(child.pid, number)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_killed_worker_loses_only_what_was_not_yet_stored(tmp_path):
    with serving(slowly) as server:
        end_once(lambda: len(stored(tmp_path)) >= 20, signal.SIGKILL)
        with pytest.raises(WorkerError):
            work(tmp_path, server.address)
        kept, sent = len(stored(tmp_path)), len(server.requests)
        assert 20 <= kept < NUM_ROWS
        summary = work(tmp_path, server.address)
        assert summary["from_store"] == kept
        assert len(server.requests) - sent == summary["sent"] == NUM_ROWS - kept
    assert {line["text"] for line in answers(tmp_path).values()} == {"billing"}


def test_worker_told_to_end_stores_what_has_come(tmp_path):
    with serving(slowly) as server:
        end_once(lambda: len(server.requests) >= 20, signal.SIGTERM)
        with pytest.raises(WorkerError, match="told to end"):
            work(tmp_path, server.address)
        # four were in flight
        assert len(stored(tmp_path)) >= len(server.requests) - 4


def test_error_of_the_endpoint_reaches_the_run_as_one_line_without_the_key(tmp_path):
    said: list[Any] = []
    with (
        serving(lambda _: failure(401, f"no such key: {KEY}")) as server,
        pytest.raises(ServiceError, match="set that variable to a valid key") as caught,
    ):
        work(tmp_path, server.address, said.append)
    assert KEY not in str(caught.value)
    assert KEY not in str(said)
    assert "\n" not in str(caught.value)


def test_endpoint_that_is_not_there_is_a_service_that_may_come_back(tmp_path):
    with serving(slowly) as server:
        gone = server.address
    with pytest.raises(ServiceError, match="can't be reached") as caught:
        work(tmp_path, gone)
    assert caught.value.can_pass
